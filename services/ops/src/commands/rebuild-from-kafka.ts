import { differenceJson, differenceText } from '../audit/differences.ts';
import { withLedgerConnection } from '../audit/with-ledger.ts';
import type { Context } from '../context.ts';
import { type FromKafka, type Phase, rebuildFromKafka } from '../from-kafka/run.ts';
import { type ReplayBar, replayBar } from '../replay/bar.ts';

const PROGRESS_EVERY_MS = 1_000;
const WHAT_NOW = `\`calltally replay --from earliest\` brings back rows that Mongo lost;
\`calltally rebuild --all\` makes counters what Mongo says`;

/** `rebuild --from kafka`: counters thrown away and filled from the topic alone, then compared with Mongo. */
export async function rebuildFromTopic(json: boolean, context: Context): Promise<void> {
  const { io } = context;
  const began = performance.now();
  let bar: ({ phase: Phase } & ReplayBar) | undefined;
  let phaseBeganMs = began;
  let saidAtMs = began;
  const hooks = {
    onStart(partitions: number, offsets: number) {
      if (json) context.printJson({ event: 'start', partitions, offsets });
    },
    onProgress(phase: Phase, done: number, of: number) {
      if (json) {
        if (performance.now() - saidAtMs < PROGRESS_EVERY_MS) return;
        saidAtMs = performance.now();
        return context.printJson({ event: 'progress', phase, done, of });
      }
      if (bar?.phase !== phase) {
        bar?.stop();
        bar = { phase, ...replayBar(io.stderr, of, phase === 'read' ? 'offsets' : 'users') };
        phaseBeganMs = performance.now();
      }
      bar.update(done, (done / (performance.now() - phaseBeganMs)) * 1_000);
    },
    onFailed(userIds: readonly string[]) {
      if (json) return context.printJson({ event: 'failed', user_ids: userIds });
      for (const one of userIds)
        context.warn(`${one} is opened by others all the time; run the command again`);
    },
    onDifferences(differences: readonly Parameters<typeof differenceText>[0][]) {
      for (const one of differences) {
        if (json) context.printJson({ event: 'difference', ...differenceJson(one) });
        else context.print(differenceText(one));
      }
    },
  };
  const done = await withLedgerConnection(context, (live, store) =>
    rebuildFromKafka(context.settings(), live, store, hooks, io.signal),
  ).finally(() => bar?.stop());
  const seconds = Math.round(performance.now() - began) / 1_000;
  if (json) context.printJson({ event: 'end', ...done, seconds });
  else {
    context.print(summary(done, seconds));
    if (done.drifted > 0) io.stderr.write(`${WHAT_NOW}\n`);
  }
  if (done.drifted > 0 || done.failed > 0 || !done.complete) context.failed();
}

function summary(
  { users, calls, failed, drifted, differences, complete }: FromKafka,
  seconds: number,
): string {
  const filled = `${users} users, ${calls} calls from the topic`;
  const found = `${drifted} users differ from Mongo in ${differences} buckets`;
  const end = complete ? '' : '; stopped before the end, run it again';
  return `${filled}: ${found}${failed > 0 ? `, ${failed} not done` : ''}, ${seconds} s${end}`;
}
