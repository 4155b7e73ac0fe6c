import { type Command, Option } from 'commander';
import { type RebuildHooks, type Rebuilt, rebuild } from '../audit/rebuild-run.ts';
import { requireKnown } from '../audit/require-known.ts';
import type { Context } from '../context.ts';
import { withLedger } from '../ledger-connection.ts';
import { requireUserId, wholeNumber } from '../options.ts';
import { type ProgressBar, progressBar } from '../progress-bar.ts';
import { rebuildFromTopic } from './rebuild-from-kafka.ts';

interface Options {
  user?: string;
  all?: true;
  concurrency: number;
  restart?: true;
  from?: 'kafka';
  json?: true;
}

const CONCURRENCY_MAX = 16;
const HELP = `
Run it at any time: ingest goes on counting, and dashboards stay right. Users whose counters are right are left alone,
users whose counters differ from Mongo are repaired, and users that are not complete are filled. After it was stopped or
killed, the next rebuild resumes, even in the middle of a user, unless Redis was emptied meanwhile. Exit status 0 only if
all users were done. FILL_SLOTS limits the sums that it and all services together ask of Mongo to fill counters.

--json prints a line for each event: "start"; "progress" every second, with "rows" added up so far of about
"estimated_rows"; and "end" with "users", "calls", "drifted" (their counters differed), "cold" (Redis did not know them),
"filling" (they were being filled), "repaired", "failed" (always 0), "seconds", "resumed", "complete". After a kill they
include what was done before it.

--from kafka rebuilds all counters from the topic alone. Dashboards are answered from Mongo until a user is filled. At
the end the counters are compared with Mongo: each difference is a line, and makes the exit status 1. Nothing is thrown
away if the topic is incomplete. After it was stopped or killed, it starts from the beginning. --json prints "start",
"progress" with "phase" (read, fill, compare), "done" and "of", "failed", "difference" as verify has it, and "end" with
"users", "calls", "failed", "drifted", "differences", "seconds", "complete".

Examples:
  $ calltally rebuild --user acme
  $ calltally rebuild --all
  $ calltally rebuild --all --restart --concurrency 8 --json
  $ calltally rebuild --from kafka`;

/** `rebuild`: makes counters equal to what Mongo says, without stopping anything. */
export function addRebuild(program: Command, context: Context): void {
  const command = program
    .command('rebuild')
    .description('make counters in Redis equal to the rows in Mongo, while everything goes on')
    .addOption(new Option('--user <user_id>', 'only this user').conflicts(['all', 'restart']))
    .option('--all', 'all users who have calls')
    .addOption(
      new Option('--concurrency <n>', `groups of up to 200 users at the same time, 1 to ${CONCURRENCY_MAX}`)
        .argParser(wholeNumber(1, CONCURRENCY_MAX))
        .default(4),
    )
    .option('--restart', 'with --all: start again, whatever an earlier rebuild has done')
    .addOption(
      new Option('--from <where>', 'throw all counters away and fill them from the topic alone')
        .choices(['kafka'])
        .conflicts(['user', 'restart', 'concurrency']),
    )
    .option('--json', 'print an object a line: "start", "progress", "failed", "difference", "end"')
    .addHelpText('after', HELP)
    .action((options: Options) => {
      if (options.from !== undefined) return rebuildFromTopic(options.json === true, context);
      if (!options.all && options.user === undefined)
        command.error('error: give --user, --all or --from kafka');
      return rebuildCounters(options, context);
    });
}

async function rebuildCounters(options: Options, context: Context): Promise<void> {
  const { stderr, signal } = context.io;
  const { json, concurrency, restart = false } = options;
  const userId = options.user === undefined ? undefined : requireUserId(options.user);
  const { slots } = context.settings().fill;
  const format = '{bar} {percentage}% | {users} users | {rate} rows/s | {eta_formatted} left';
  let bar: ProgressBar | undefined;
  let estimated_calls = 0;
  const hooks: RebuildHooks = {
    onStart({ users, calls, through }, rows, estimatedCalls) {
      estimated_calls = estimatedCalls;
      const { done, of } = rows;
      const begun = { users, calls, rows: done, estimated_rows: of, estimated_calls };
      if (json) return context.printJson({ event: 'start', ...begun });
      if (done > 0) context.warn(`going on after ${through || `${done} rows`}`);
      bar = progressBar(stderr, format, done);
    },
    onProgress({ users, calls, drifted, cold, filling }, { done, of }) {
      bar?.update(done, of, { users });
      if (!json) return;
      const counts = { users, calls, rows: done, drifted, cold, filling, failed: 0 };
      context.printProgress(() => ({ event: 'progress', ...counts, estimated_rows: of, estimated_calls }));
    },
  };
  const done = await withLedger(context, async (ledger) => {
    if (userId !== undefined) await requireKnown(ledger, userId);
    return rebuild(ledger, { userId, concurrency, restart, slots }, hooks, signal);
  }).finally(() => bar?.stop());
  if (json) context.printJson({ event: 'end', ...view(done) });
  else context.print(summary(done));
  if (!done.complete) context.failed();
}

function view({ users, calls, drifted, cold, filling, seconds, resumed, complete }: Rebuilt) {
  const repaired = drifted + cold + filling;
  return { users, calls, drifted, cold, filling, repaired, failed: 0, seconds, resumed, complete };
}

function summary(done: Rebuilt): string {
  const { users, calls, drifted, cold, filling, repaired, seconds, complete } = view(done);
  const found = `${drifted} differed, ${cold} were unknown to Redis, ${filling} were being filled`;
  const end = complete ? '' : '; stopped before the end, the next rebuild goes on from here';
  return `${users} users, ${calls} calls: ${found}, ${repaired} repaired, ${seconds} s${end}`;
}
