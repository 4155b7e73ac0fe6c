import type { Generations } from '@calltally/counters';
import type { Store } from '@calltally/store';
import type { Admin } from 'kafkajs';
import { CommandError } from '../failure.ts';
import { requireRows, requireSameTopic, type TopicView, viewTopic } from '../topic-view.ts';

/** Each needs about 11 bytes for its id, see the README. */
const EVENTS_MAX = 50_000_000;
const REMEDY = '`calltally rebuild --all` makes counters what Mongo says';

/** Measured, see the README. */
const USER_BYTES = 400;
const USER_DAY_BYTES = 85;
/** Below the default heap limit of Node on a machine with 4 GB. */
const SUMS_BYTES_MAX = 1_500_000_000;
/** Each needs 220 bytes. */
const WAITING_MAX = 1_000_000;
const STATE = 'counters stay unknown to Redis and are answered from Mongo';

/**
 * Checks that counters can be rebuilt from the topic alone: it holds every event there ever was, and fits into memory.
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
    throw incomplete(`stream ${view.stream} is counted, and calls of the topic before it are only in Mongo`);
  }
  const expired = view.partitions.filter(({ earliest }) => earliest > 0);
  if (expired.length > 0) throw lost(expired);
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

/** @param gone partitions that begin behind offset 0 */
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

export interface MemoryUse {
  users: number;
  /** Pairs of a user and a UTC day. */
  userDays: number;
  /** Events that wait for ingest. */
  waiting: number;
}

/** @throws CommandError TOPIC_TOO_LARGE, INGEST_BEHIND */
export function requireMemory({ users, userDays, waiting }: MemoryUse): void {
  if (users * USER_BYTES + userDays * USER_DAY_BYTES > SUMS_BYTES_MAX) {
    throw new CommandError(
      'TOPIC_TOO_LARGE',
      `the sums of ${users} users on ${userDays} days need more memory than ${SUMS_BYTES_MAX / 1e9} GB; ${STATE}; ${REMEDY}`,
    );
  }
  if (waiting > WAITING_MAX) {
    throw new CommandError(
      'INGEST_BEHIND',
      `ingest is more than ${WAITING_MAX} events behind; ${STATE}; run the command again when \`calltally lag\` says less`,
    );
  }
}
