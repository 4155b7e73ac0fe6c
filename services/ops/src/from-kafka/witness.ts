import type { Generations } from '@calltally/counters';
import type { Store } from '@calltally/store';
import type { Admin } from 'kafkajs';
import { CommandError } from '../failure.ts';
import { requireRows, requireSameTopic, type TopicView, viewTopic } from '../replay/topic.ts';

/** Their ids need about 11 bytes each, see the README. */
const EVENTS_MAX = 50_000_000;
export const REMEDY = '`calltally rebuild --all` makes counters what Mongo says';

/**
 * The topic, if it can be the witness: if it holds every event there ever was, and no more than memory can bear.
 * @throws CommandError TOPIC_UNKNOWN, TOPIC_MADE_ANEW, TOPIC_INCOMPLETE, TOPIC_TOO_LARGE, MONGO_BEHIND; StoreError
 */
export async function requireWitness(
  admin: Admin,
  store: Store,
  generations: Generations,
  topic: string,
): Promise<TopicView> {
  const view = await viewTopic(admin, store, topic);
  requireSameTopic(view.partitions);
  const older = [...(await store.progress.storedThrough()).keys()].filter(
    (key) => !key.startsWith(`${view.stream}:`),
  );
  if (older.length > 0) {
    throw incomplete(`stream ${view.stream} is counted, and calls of the topic before it are in Mongo alone`);
  }
  requireWhole(view.partitions);
  const events = view.partitions.reduce((sum, { end }) => sum + end, 0);
  if (events > EVENTS_MAX) {
    throw new CommandError(
      'TOPIC_TOO_LARGE',
      `the topic has ${events} offsets, and at most ${EVENTS_MAX} are read into memory; ${REMEDY}`,
    );
  }
  await requireRows(store, generations, view);
  return view;
}

/** @throws CommandError TOPIC_INCOMPLETE */
function requireWhole(partitions: readonly { partition: number; earliest: number }[]): void {
  const gone = partitions.filter(({ earliest }) => earliest > 0);
  if (gone.length > 0) throw lost(gone);
}

/** @param gone partitions that begin at another offset than 0 */
export function lost(gone: readonly { partition: number; earliest: number }[]): CommandError {
  const named = gone.map(({ partition, earliest }) => `partition ${partition} has lost ${earliest} offsets`);
  return incomplete(`of the topic ${named.join(', ')}`);
}

function incomplete(why: string): CommandError {
  return new CommandError(
    'TOPIC_INCOMPLETE',
    `${why}, so it cannot say what the counters should be; ${REMEDY}`,
  );
}
