import { confirm } from '../confirm.ts';
import type { Context } from '../context.ts';
import { CommandError } from '../failure.ts';
import { opsKafka, withAdmin } from '../kafka.ts';
import { isRecreated, type TopicView, viewTopic } from '../topic-view.ts';

/**
 * `replay --new-stream`: says what it is about to do, and after a confirmation begins the next stream. It is a new
 * topic epoch, which is counted from its first event. Existing rows stay as they are.
 */
export async function newStream({ yes, json }: { yes?: true; json?: true }, context: Context): Promise<void> {
  const { kafka } = context.settings();
  const { topic } = kafka;
  await context.withStore(async (store) => {
    const view = await withAdmin(opsKafka(kafka), (admin) => viewTopic(admin, store, topic));
    const { stream: previous, partitions } = view;
    if (!json) for (const line of describe(topic, view)) context.print(line);
    if (!yes) await confirm(topic, 'to begin', '--new-stream', context);
    const stream = await store.progress.beginStream(previous);
    if (stream !== previous + 1) {
      throw new CommandError('STREAM_BEGUN', `stream ${stream} was begun meanwhile`);
    }
    const numbers = partitions.map(({ partition }) => partition);
    await store.progress.registerPartitions(stream, numbers);
    if (!json) {
      return context.print(
        `stream ${stream} has begun; a running ingest counts the topic from its first event within a second`,
      );
    }
    const before = partitions.map((one) => ({
      partition: one.partition,
      earliest: one.earliest,
      end: one.end,
      stored_before: one.stored < 0 ? null : one.stored,
      made_anew: isRecreated(one),
    }));
    context.printJson({ stream, previous, topic, partitions: before });
  });
}

function* describe(topic: string, { stream, partitions }: TopicView): Generator<string> {
  yield `topic ${topic}, stream ${stream}: offsets are compared only within one stream`;
  for (const view of partitions) {
    const { partition, earliest, end, stored } = view;
    const before = stored < 0 ? 'nothing was stored' : `was stored through ${stored}`;
    yield `partition ${partition}: ${before}, holds ${earliest} to ${end}${isRecreated(view) ? ': recreated' : ''}`;
  }
  yield `stream ${stream + 1} begins with the first event of every partition; calls that are counted stay counted`;
  if (!partitions.some(isRecreated)) {
    yield 'no partition ends below what was stored, so the topic does not look as if it was recreated';
  }
}
