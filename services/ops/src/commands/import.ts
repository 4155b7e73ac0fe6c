import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createCallEventProducer } from '@calltally/contract/producer';
import { type Command, Option } from 'commander';
import type { Context } from '../context.ts';
import { CommandError } from '../failure.ts';
import { CheckpointFile, identityOf } from '../import/checkpoint.ts';
import type { Separator } from '../import/csv-rows.ts';
import { type DryRun, dryRun } from '../import/dry-run.ts';
import { ErrorsFile } from '../import/errors-file.ts';
import { type ImportOptions, importItems, requireFormat } from '../import/import-items.ts';
import { type Imported, runImport } from '../import/import-run.ts';
import { type Input, openInput } from '../input.ts';
import { addMappingOptions, mappingOf } from '../mapping-options.ts';
import { requireUserId } from '../options.ts';
import { progressBar } from '../progress-bar.ts';
import { invalidText } from './publish.ts';

const HELP = `
How records become calls, with examples for FreeSWITCH and Asterisk: docs/import.md.

Importing a file again is safe: a call that is already counted is not counted again. After a stop or a kill, the same
command goes on where it was, if file, mapping and topic are the same. Records that are no calls go to the errors file,
with their line, code, field and reason; the others are published.

Examples:
  $ calltally import calls.csv --map call_id=uuid --map user_id=accountcode --map started_at=start_epoch:s \\
      --map duration_seconds=billsec --dry-run
  $ calltally import calls.ndjson.gz --map call_id=id --map started_at=start --map ended_at=end \\
      --time-zone Europe/Berlin --user acme`;

const INVALID_SHOWN_MAX = 10;

interface Options {
  map?: string[];
  value?: string[];
  timeZone?: string;
  user?: string;
  format?: ImportOptions['format'];
  separator?: string;
  columns?: string;
  errors?: string;
  dryRun?: true;
  json?: true;
}

/** `import`: publishes calls from a CSV or NDJSON file of another system. */
export function addImport(program: Command, context: Context): void {
  const command = program
    .command('import')
    .description(
      'import calls from a CSV or NDJSON file; exit status 0 only when every record was acknowledged',
    )
    .argument('<file>', 'CSV or NDJSON, .gz too; - for standard input');
  addMappingOptions(command)
    .option('--user <id>', 'whose calls they are, if the file does not name users')
    .addOption(new Option('--format <format>', 'default: by the name of the file').choices(['csv', 'ndjson']))
    .option(
      '--columns <names>',
      'names of the columns, with commas between, if the file does not begin with them',
    )
    .addOption(
      new Option('--separator <separator>', 'of CSV; default: by the first line').choices([
        ',',
        ';',
        '|',
        'tab',
      ]),
    )
    .option('--errors <file>', 'where records that are no calls go; default: FILE.errors.ndjson')
    .option('--dry-run', 'show what the first records become, check all of them, and publish nothing')
    .option(
      '--json',
      'print {"records", "published", "invalid", "failed", "complete", "resumed_after", "errors"}',
    )
    .addHelpText('after', HELP)
    .action((file: string, options: Options) => runCommand(file, options, context));
}

async function runCommand(file: string, options: Options, context: Context): Promise<void> {
  const { io } = context;
  const how: ImportOptions = {
    format: requireFormat(file, options.format),
    mapping: mappingOf(options),
    user: options.user === undefined ? undefined : requireUserId(options.user),
    columns: options.columns?.split(',').map((name) => name.trim()),
    separator: (options.separator === 'tab' ? '\t' : options.separator) as Separator | undefined,
  };
  const input = await openInput(file, io);
  const bar = progressBar(
    io.stderr,
    input.stats === undefined
      ? '{records} records, {duration_formatted}'
      : '{bar} {percentage}% | {records} records | {eta_formatted} left',
  );
  const onProgress = ({ records }: { records: number }) =>
    bar.update(input.doneBytes(), input.stats?.size ?? 0, { records });
  io.signal.addEventListener('abort', input.destroy, { once: true });
  try {
    if (options.dryRun)
      showDryRun(await dryRun(await importItems(input.chunks, how), onProgress), options, context);
    else await importFile({ file, input, how, onProgress }, options, context);
  } catch (error) {
    // An input that is destroyed while it is read fails by that.
    if (!io.signal.aborted) throw error;
  } finally {
    io.signal.removeEventListener('abort', input.destroy);
    bar.stop();
    input.destroy();
  }
}

interface Import {
  file: string;
  input: Input;
  how: ImportOptions;
  onProgress(imported: Imported): void;
}

async function importFile(
  { file, input, how, onProgress }: Import,
  { errors: named, json }: Options,
  context: Context,
): Promise<void> {
  const { io } = context;
  const { topic, brokers, ssl, sasl } = context.settings().kafka;
  const records = await importItems(input.chunks, how);
  const path = resolve(io.cwd, file === '-' ? 'import' : file);
  const errorsPath = resolve(io.cwd, named ?? `${path}.errors.ndjson`);
  await requireOther(path, errorsPath);
  const checkpoints =
    input.stats &&
    new CheckpointFile(`${path}.import.json`, identityOf(input.stats, { how, topic, brokers, errorsPath }));
  const from = await checkpoints?.read();
  const errors = await ErrorsFile.open(errorsPath, from?.errorsBytes ?? 0);
  const producer = createCallEventProducer({ brokers, ssl, sasl, topic, clientId: 'calltally-ops' });
  const { published, invalid, records: done } = from ?? { published: 0, invalid: 0, records: 0 };
  const imported: Imported = { records: done, published, invalid, failed: 0, complete: false };
  if (done > 0 && !json) context.print(`going on after ${done} records, which are imported`);

  let shown = 0;
  const onInvalid = (line: number, rejection: Parameters<typeof invalidText>[1]) => {
    if (!json && ++shown <= INVALID_SHOWN_MAX) context.warn(invalidText(line, rejection));
  };
  let failure: unknown;
  try {
    const run = { producer, errors, checkpoints, from };
    await runImport(records, run, { onInvalid, onProgress }, io.signal, imported);
    if (imported.complete) await checkpoints?.remove();
  } catch (error) {
    imported.complete = false;
    if (!io.signal.aborted) failure = error;
  } finally {
    await producer.close().catch(() => {});
    await errors.close();
  }
  if (json)
    context.printJson({
      ...imported,
      resumed_after: done,
      ...(imported.invalid > 0 && { errors: errorsPath }),
    });
  else context.print(summary(imported, errorsPath, checkpoints !== undefined));
  if (failure !== undefined) throw failure;
  if (imported.invalid > 0 || !imported.complete) context.failed();
}

/** @throws CommandError FILE_UNWRITABLE if the errors would overwrite the file itself */
async function requireOther(path: string, errorsPath: string): Promise<void> {
  const [file, errors] = await Promise.all([path, errorsPath].map((one) => realpath(one).catch(() => one)));
  if (file !== errors) return;
  throw new CommandError(
    'FILE_UNWRITABLE',
    'the errors would overwrite the file itself; name another one with --errors',
  );
}

function showDryRun(result: DryRun, { json }: Options, context: Context): void {
  const { records, events, invalid, codes, first, first_invalid } = result;
  if (invalid > 0) context.failed();
  if (json) {
    context.printJson(result);
    return;
  }
  for (const { line, event } of first) context.print(`line ${line}: ${JSON.stringify(event)}`);
  for (const { line, ...rejection } of first_invalid) context.print(invalidText(line, rejection));
  const byCode = Object.entries(codes).map(([code, count]) => `${count} ${code}`);
  const reasons = byCode.length === 0 ? '' : ` (${byCode.join(', ')})`;
  context.print(`${records} records: ${events} events, ${invalid} invalid${reasons}; nothing was published`);
}

function summary(
  { published, invalid, failed, complete }: Imported,
  errors: string,
  resumable: boolean,
): string {
  const parts = [`${published} published`];
  if (invalid > 0) parts.push(`${invalid} invalid, see ${errors}`);
  if (failed > 0) parts.push(`${failed} not acknowledged`);
  if (!complete) {
    parts.push(
      resumable
        ? 'stopped before the end; run the same command again, it goes on'
        : 'stopped before the end; import the whole file again, nothing is counted twice',
    );
  }
  return parts.join(', ');
}
