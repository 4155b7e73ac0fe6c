import { printDifferences } from '../audit/differences.ts';
import type { Context } from '../context.ts';
import { type FromKafka, type FromKafkaHooks, type Phase, rebuildFromKafka } from '../from-kafka/run.ts';
import { withLedgerConnection } from '../ledger-connection.ts';
import { type ProgressBar, progressBar } from '../progress-bar.ts';

const WHAT_NOW = `\`calltally replay --from earliest\` brings back rows that Mongo lost;
\`calltally rebuild --all\` makes counters what Mongo says`;

/** `rebuild --from kafka`: throws all counters away, fills them from the topic alone, and compares them with Mongo. */
export async function rebuildFromTopic(json: boolean, context: Context): Promise<void> {
  const { stderr, signal } = context.io;
  let bar: ({ phase: Phase } & ProgressBar) | undefined;
  const hooks: FromKafkaHooks = {
    onStart(partitions, offsets) {
      if (json) context.printJson({ event: 'start', partitions, offsets });
    },
    onProgress(phase, done, of) {
      if (json) return context.printProgress(() => ({ event: 'progress', phase, done, of }));
      if (bar?.phase !== phase) {
        bar?.stop();
        const unit = phase === 'read' ? 'offsets' : 'users';
        const format = `{bar} {percentage}% | {value} of {total} ${unit} | {rate}/s | {eta_formatted} left`;
        bar = { phase, ...progressBar(stderr, format) };
      }
      bar.update(done, of);
    },
    onFailed(userIds) {
      if (json) return context.printJson({ event: 'failed', user_ids: userIds });
      for (const one of userIds)
        context.warn(`others opened ${one} each time it was filled; run the command again`);
    },
    onDifferences: (found) => printDifferences(found, json, context),
  };
  const done = await withLedgerConnection(context, (connection, store) =>
    rebuildFromKafka(context.settings(), connection, store, hooks, signal),
  ).finally(() => bar?.stop());
  const seconds = context.seconds();
  if (json) context.printJson({ event: 'end', ...done, seconds });
  else {
    context.print(summary(done, seconds));
    if (done.drifted > 0) stderr.write(`${WHAT_NOW}\n`);
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
