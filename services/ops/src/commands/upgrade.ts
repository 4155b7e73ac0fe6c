import { forgetOldKeys } from '@calltally/counters';
import type { Command } from 'commander';
import { confirm } from '../confirm.ts';
import type { Context } from '../context.ts';
import { opsKafka, withAdmin } from '../kafka.ts';
import { withLedger } from '../ledger-connection.ts';
import { type ProgressBar, progressBar } from '../progress-bar.ts';
import { type Upgraded, type UpgradeHooks, upgradeRows } from '../upgrade-rows.ts';

/** One call may read all rows, or create an index over them. */
const STORE_TIMEOUT_MS = 3_600_000;
const HELP = `
Since this version ids of calls are unique only within a user, and the rows in Mongo are named accordingly. The rows are
copied into another collection, which then takes the place of the first: Mongo needs room for both. Ingest of the version
before counts and dashboards are answered meanwhile. Only in the end the command waits until every ingest process of the
version before has ended; from then on none can start again. Those of this version wait until it is done, then count.
docs/operations.md says in which order everything is upgraded. Stopped or killed, it goes on where it was.

--json prints a line for each event: "progress" every second, with "rows" copied of about "estimated_rows"; "waiting" with
"members", the processes that still count; and "end" with "rows", "upgraded" (false if there was nothing to do), "seconds",
"complete".

--forget-old-counters does something else: it deletes what the version before has left in Redis, which this version does not
use and which would stay until it expires. Do it once no process of the version before runs and none is wanted back. It
refuses until ingest of this version has counted. It prints lines "progress" with "keys", and "end" with "keys",
"deleted", "seconds", "complete".

Examples:
  $ calltally upgrade
  $ calltally upgrade --forget-old-counters --dry-run
  $ calltally upgrade --forget-old-counters`;

interface Options {
  forgetOldCounters?: true;
  dryRun?: true;
  yes?: true;
  json?: true;
}

/** `upgrade`: makes the rows of the version before rows of this version; or deletes its counters. */
export function addUpgrade(program: Command, context: Context): void {
  program
    .command('upgrade')
    .description('make the rows of the version before rows of this version; stops ingest only in the end')
    .option(
      '--forget-old-counters',
      'delete the counters of the version before from Redis, and do nothing else',
    )
    .option('--dry-run', 'with --forget-old-counters: say how many keys there are, and change nothing')
    .option('--yes', 'with --forget-old-counters: do not ask')
    .option('--json', 'print an object a line: "progress", "waiting", "end"')
    .addHelpText('after', HELP)
    .action((options: Options, command: Command) => {
      if (options.forgetOldCounters) return forgetOldCounters(options, context);
      if (options.dryRun || options.yes)
        command.error('error: --dry-run and --yes need --forget-old-counters');
      return upgrade(options, context);
    });
}

async function forgetOldCounters(options: Options, context: Context): Promise<void> {
  const [dryRun, json] = [options.dryRun === true, options.json === true];
  const { signal } = context.io;
  const onProgress = (keys: number) => {
    if (json) context.printProgress(() => ({ event: 'progress', keys }));
  };
  await withLedger(context, async ({ session }) => {
    if (!dryRun && !options.yes) {
      await confirm(
        'forget',
        'to delete the counters of the version before',
        'upgrade --forget-old-counters',
        context,
      );
    }
    const keys = await forgetOldKeys(session, { dryRun, onProgress, signal });
    const [deleted, complete, seconds] = [!dryRun, !signal.aborted, context.seconds()];
    const what = `${keys} keys of the version before ${dryRun ? 'are there; nothing was changed' : 'deleted'}`;
    if (json) context.printJson({ event: 'end', keys, deleted, seconds, complete });
    else context.print(`${what}, ${seconds} s${complete ? '' : '; stopped before the end'}`);
    if (!complete) context.failed();
  });
}

async function upgrade({ json }: Options, context: Context): Promise<void> {
  const { kafka } = context.settings();
  const { stderr, signal } = context.io;
  let bar: ProgressBar | undefined;
  const hooks: UpgradeHooks = {
    onCopied(rows, estimated) {
      if (json) return context.printProgress(() => ({ event: 'progress', rows, estimated_rows: estimated }));
      const format = '{bar} {percentage}% | {value} of {total} rows | {rate}/s | {eta_formatted} left';
      bar ??= progressBar(stderr, format, rows);
      bar.update(rows, estimated);
    },
    onWaiting(members) {
      bar?.stop();
      if (json) return context.printJson({ event: 'waiting', members });
      context.warn(
        `all rows are copied. Now stop every ingest process: ${members.length} still count (${members.join(', ')})`,
      );
    },
  };
  const done = await context
    .withStore(
      (store) =>
        withAdmin(opsKafka(kafka), (admin) => upgradeRows(store, admin, kafka.groupId, hooks, signal)),
      STORE_TIMEOUT_MS,
    )
    .finally(() => bar?.stop());
  const seconds = context.seconds();
  if (json) context.printJson({ event: 'end', ...done, seconds });
  else context.print(summary(done, seconds));
  if (!done.complete) context.failed();
}

function summary({ rows, upgraded, complete }: Upgraded, seconds: number): string {
  if (upgraded) return `the rows are of this version now, ${seconds} s; ingest can count`;
  if (complete) return 'nothing to do: the rows are of this version, or there are none';
  return `${rows} rows copied, ${seconds} s; stopped before the end, the next upgrade goes on from here`;
}
