import { type Command, Option } from 'commander';
import type { Context } from '../context.ts';
import { NUMBER_MAX, wholeNumber } from '../options.ts';
import { type ProgressBar, progressBar } from '../progress-bar.ts';
import type { OffsetRange } from '../reading/cursor.ts';
import { type Bound, isBackward, parseFrom, parseTo } from '../replay/bound.ts';
import type { PartitionPlan } from '../replay/plan.ts';
import { type Replayed, type ReplayHooks, replay } from '../replay/run.ts';
import { newStream } from './replay-new-stream.ts';

interface Options {
  from?: Bound;
  to?: Bound;
  partition?: number[];
  newStream?: true;
  yes?: true;
  json?: true;
}

const HELP = `
--from and --to are a date, a date-time, an offset for every partition, or offsets by partition (0:1500,3:20). A time is
compared with the time at which Kafka received the event. --to is exclusive; without it everything that ingest has stored
is read. Events that ingest has not stored yet are left to ingest. Exit status 1 if a part of what was asked for has
expired, or expires before it is read, or if the topic never held any of it.

Ingest refuses a topic that was deleted and created again; --new-stream counts it from its first event.

--json prints a line for each event: "plan", "progress" every second, and "end" with "read", "restored" (rows that
were missing), "already" (rows that were there), "erased" (of users who were erased since), "rejected", "seconds",
"complete", "gone" (offsets by partition that expired before they were read).

Examples:
  $ calltally replay --from earliest
  $ calltally replay --from 2026-03-01 --to 2026-03-02 --partition 0 3
  $ calltally replay --new-stream`;

/** `replay`: records stored events of the topic again, or begins to count a recreated topic. */
export function addReplay(program: Command, context: Context): void {
  const command = program
    .command('replay')
    .description('count stored events of the topic again: brings back rows and counts that were lost')
    .addOption(new Option('--from <where>', 'earliest, a time, or offsets').argParser(parseFrom))
    .addOption(new Option('--to <where>', 'a time or offsets, exclusive').argParser(parseTo))
    .addOption(
      new Option('--partition <numbers...>', 'only these partitions').argParser(
        (text, before: number[] = []) => [...before, wholeNumber(0, NUMBER_MAX)(text)],
      ),
    )
    .addOption(
      new Option('--new-stream', 'begin to count a recreated topic').conflicts(['from', 'to', 'partition']),
    )
    .option('--yes', 'with --new-stream: do not ask')
    .option('--json', 'print an object a line: "plan", "progress", "end"; or {"stream", …} with --new-stream')
    .addHelpText('after', HELP)
    .action((options: Options) => {
      if (options.newStream) return newStream(options, context);
      const { from } = options;
      if (from === undefined) return command.error('error: give --from, or --new-stream');
      if (options.to !== undefined && isBackward(from, options.to)) {
        return command.error('error: --to is not after --from, so no event lies between them');
      }
      return replayEvents({ ...options, from }, context);
    });
}

async function replayEvents(
  { from, to, partition, json }: Options & { from: Bound },
  context: Context,
): Promise<void> {
  const { stderr } = context.io;
  const format = '{bar} {percentage}% | {value} of {total} offsets | {rate}/s | {eta_formatted} left';
  let bar: ProgressBar | undefined;
  let offsets = 0;
  const hooks: ReplayHooks = {
    onPlan(plan, all) {
      offsets = all;
      if (json) return context.printJson({ event: 'plan', offsets, partitions: plan.map(planJson) });
      for (const line of warnings(plan, from)) context.warn(line);
      bar = progressBar(stderr, format);
    },
    onProgress(done, { read, restored }) {
      bar?.update(done, offsets);
      if (json)
        context.printProgress(() => ({ event: 'progress', offsets: done, of: offsets, read, restored }));
    },
  };
  const done = await replay(context, { from, to, partitions: partition }, hooks).finally(() => bar?.stop());
  const { plan, ...counts } = done;
  const seconds = context.seconds();
  if (json) context.printJson({ event: 'end', ...counts, seconds });
  else {
    context.print(summary(done, seconds));
    for (const line of done.gone.map(goneText)) context.warn(line);
  }
  if (!done.complete || done.gone.length > 0 || plan.some(({ gone }) => gone !== undefined)) context.failed();
}

function planJson({ partition, from, until, gone, notStored }: PartitionPlan) {
  return {
    partition,
    from,
    until,
    ...(gone && { gone: { from: gone.from, until: gone.until, surely: gone.surely } }),
    ...(notStored && { not_stored: notStored }),
  };
}

function* warnings(plan: readonly PartitionPlan[], from: Bound): Generator<string> {
  for (const { partition, gone, notStored } of plan) {
    if (gone?.surely) {
      yield `partition ${partition}: the topic no longer holds offsets ${gone.from} to ${gone.until - 1}`;
    } else if (gone && from.kind === 'time') {
      yield `partition ${partition}: the topic no longer holds offsets below ${gone.until}; some may be of ${from.text} or later`;
    }
    if (notStored) {
      yield `partition ${partition}: offsets ${notStored.from} to ${notStored.until - 1} are not stored yet; ingest counts them`;
    }
  }
}

function goneText({ partition, from, until }: OffsetRange): string {
  return `partition ${partition}: offsets ${from} to ${until - 1} expired before they were read`;
}

function summary({ read, restored, already, erased, rejected, complete }: Replayed, seconds: number): string {
  const parts = [`${read} read`, `${restored} restored`, `${already} already there`];
  if (erased > 0) parts.push(`${erased} of erased users left out`);
  if (rejected > 0) parts.push(`${rejected} rejected`);
  const end = complete ? '' : '; stopped before the end, which does no harm';
  return `${parts.join(', ')} in ${seconds} s${end}`;
}
