import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { decodeCallEvent } from '@calltally/contract';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { RetryRun } from '../dead-letters/retry-run.ts';
import { addFilters, addIds, type SettleOptions, settleSelection } from '../dead-letters/selection.ts';
import { withDeadLetters } from '../dead-letters/with-dead-letters.ts';
import { CommandError } from '../failure.ts';

interface Options extends SettleOptions {
  dryRun?: true;
  force?: true;
  value?: string;
}

const HELP = `
Key, value and headers are published to the source topic as they came, with a header retried-from that names the letter.
With --value the key is the user_id of the corrected call. A letter that would be rejected again is left and named.
Each letter is marked as retried after Kafka has acknowledged it. If the command is killed in between, the letter is
still listed, and can be retried again: a call that is published twice is counted once.

Examples:
  $ calltally dlq retry 0:17 0:18
  $ calltally dlq retry --code STARTED_AT_IN_FUTURE --since 2026-03-01 --dry-run
  $ calltally dlq retry --code STARTED_AT_IN_FUTURE --since 2026-03-01 --yes
  $ calltally dlq retry 0:17 --value corrected.json`;

/** `dlq retry`: publishes dead letters again after a fix. */
export function addDlqRetry(dlq: Command, context: Context): void {
  const command = dlq
    .command('retry')
    .description('publish dead letters again; exit status 0 only when every one is published and marked');
  addFilters(addIds(command))
    .option('--value <file>', 'publish this JSON event in place of the value; for one id')
    .option('--again', 'with ids: publish letters that were retried or discarded, too')
    .option('--force', 'publish letters that would be rejected again, too')
    .option('--dry-run', 'say what would be published, and change nothing')
    .option('--yes', 'required with filters')
    .option('--json', 'print {"retried", "already", "in_doubt", "problems"}; problems go to standard error')
    .addHelpText('after', HELP)
    .action((ids: string[] = [], options: Options) => retryLetters(command, ids, options, context));
}

async function retryLetters(
  command: Command,
  ids: string[],
  options: Options,
  context: Context,
): Promise<void> {
  const { dryRun = false, force = false, json = false, value } = options;
  const { selection, named, again } = settleSelection(command, ids, options);
  if (value !== undefined && ids.length !== 1) command.error('error: --value needs one id');
  if (!named && !dryRun && !options.yes)
    command.error('error: filters need --yes; --dry-run shows what would be published');
  await withDeadLetters(context, selection, json, async (run) => {
    const { client, scan, say, report } = run;
    const corrected = value === undefined ? undefined : await correctedValue(value, context);
    const retry = new RetryRun(client, { named, again, dryRun, force, corrected, report });
    let failure: unknown;
    try {
      await scan(async (found) => {
        await retry.take(found);
        return true;
      });
    } catch (error) {
      failure = error;
    } finally {
      await retry.close();
    }
    const { retried, already, inDoubt } = retry;
    const counts = { already, in_doubt: inDoubt, problems: run.problems };
    if (json)
      await say(JSON.stringify(dryRun ? { would_retry: retried, ...counts } : { retried, ...counts }));
    else await say(summary(`${retried} ${dryRun ? 'would be published' : 'published again'}`, counts));
    if (failure !== undefined) throw failure;
  });
}

function summary(what: string, counts: { already: number; in_doubt: number; problems: number }): string {
  const parts = [what];
  if (counts.already > 0) parts.push(`${counts.already} retried before`);
  if (counts.in_doubt > 0) parts.push(`${counts.in_doubt} perhaps published and still open`);
  if (counts.problems > 0) parts.push(`${counts.problems} not`);
  return parts.join(', ');
}

/** @throws CommandError FILE_UNREADABLE, or VALUE_REJECTED if ingest would reject it, too */
async function correctedValue(file: string, { io }: Context) {
  const value = await readFile(resolve(io.cwd, file)).catch((error: NodeJS.ErrnoException) => {
    throw new CommandError('FILE_UNREADABLE', `${file} cannot be read: ${error.code}`);
  });
  const { call, rejection } = decodeCallEvent(value, Date.now());
  if (call !== undefined) return { value, userId: call.userId };
  throw new CommandError(
    'VALUE_REJECTED',
    `${file} would be rejected: ${rejection.message} (${rejection.code})`,
  );
}
