import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { opsKafka, withAdmin } from '../kafka.ts';
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

Example:
  $ calltally upgrade`;

/** `upgrade`: makes the rows that the version before has written rows of this version. */
export function addUpgrade(program: Command, context: Context): void {
  program
    .command('upgrade')
    .description('make the rows of the version before rows of this version; stops ingest only in the end')
    .option('--json', 'print an object a line: "progress", "waiting", "end"')
    .addHelpText('after', HELP)
    .action((options: { json?: true }) => upgrade(options, context));
}

async function upgrade({ json }: { json?: true }, context: Context): Promise<void> {
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
