import { setTimeout as sleep } from 'node:timers/promises';
import { KAFKA_RETRY } from '@calltally/contract';
import type { Batch, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import { CommandError } from '../failure.ts';
import { withAdmin } from '../replay/topic.ts';
import { Cursor, type OffsetRange } from './cursor.ts';
import { IdleWatchdog, SILENCE_MAX_MS } from './idle-watchdog.ts';

export interface ReadOptions {
  topic: string;
  /** Of this reader alone: it commits nothing, so the brokers forget it. */
  groupId: string;
  /** One without an end is read for as long as `signal` lets it. */
  spans: readonly OffsetRange[];
  /** Takes messages that follow each other in one partition. @returns false when no more are wanted */
  take(partition: number, messages: KafkaMessage[]): Promise<boolean>;
  /** Offsets of the spans that need no more reading: all those of the partition below `next`. */
  onSettled?(offsets: number, partition: number, next: number): void;
  /** A part of the spans that the topic let go of before it was read. */
  onGone?(gone: OffsetRange): void;
  signal: AbortSignal;
}

const SESSION_TIMEOUT_MS = 30_000;
const BEAT_EVERY_MS = 3_000;
const FETCH_WAIT_MS = 500;
const PARTITION_BYTES_MAX = 1_048_576;
/** A coordinator that loads its groups, or moves, ends a consumer that is new to it; seconds later it does not. */
const RESTARTS_MAX = 12;
const RESTART_PAUSE_MS = 500;

/**
 * Reads spans of offsets and ends by itself. Holds one fetched batch at a time, takes every message once, and goes on
 * where it was when the group has to form again.
 *
 * @throws what `take` throws, errors of kafkajs, CommandError TOPIC_SILENT when nothing comes any more
 */
export async function readOffsetRanges(kafka: Kafka, reading: ReadOptions): Promise<void> {
  const { topic, groupId, spans, signal } = reading;
  const cursors = cursorsOf(spans);
  const hasEnd = spans.every(({ until }) => until < Number.POSITIVE_INFINITY);
  if (cursors.size === 0 || signal.aborted) return;
  let over = false;
  let restarts = 0;
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: SESSION_TIMEOUT_MS,
    heartbeatInterval: BEAT_EVERY_MS,
    maxWaitTimeInMs: FETCH_WAIT_MS,
    maxBytesPerPartition: PARTITION_BYTES_MAX,
    allowAutoTopicCreation: false,
    retry: {
      ...KAFKA_RETRY,
      restartOnFailure: async () => {
        await sleep(RESTART_PAUSE_MS);
        return !over && ++restarts <= RESTARTS_MAX;
      },
    },
  });
  let batches = 0;
  let quiet: IdleWatchdog | undefined;
  const done = new Promise<void>((resolve, reject) => {
    const end = (settle: () => void) => {
      over = true;
      settle();
    };
    const endIfRead = () => {
      if ([...cursors.values()].every((one) => one.next === undefined)) end(resolve);
    };
    const letGo = (partition: number, earliest: number) => {
      const cursor = cursors.get(partition);
      for (const gone of cursor?.unreadBelow(earliest) ?? []) {
        reading.onGone?.(gone);
        reading.onSettled?.(cursor!.advance(gone.until), partition, gone.until);
      }
    };
    // Where nothing is left of a partition, no batch tells that it was let go.
    const look = async () => {
      const before = batches;
      const offsets = await withAdmin(kafka, (admin) => admin.fetchTopicOffsets(topic)).catch(() => []);
      // What was taken meanwhile is not gone.
      if (over || batches !== before) return;
      for (const { partition, low } of offsets) letGo(partition, Number(low));
      endIfRead();
    };
    const watched = new IdleWatchdog({
      look,
      silent() {
        if (hasEnd) end(() => reject(silent(topic)));
      },
    });
    quiet = watched;
    const goOn = (partition: number) => {
      const next = cursors.get(partition)?.next;
      if (next === undefined) consumer.pause([{ topic, partitions: [partition] }]);
      else consumer.seek({ topic, partition, offset: String(next) });
    };
    // Another assignment knows nothing of where we were.
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      for (const partition of payload.memberAssignment[topic] ?? []) goOn(partition);
    });
    // Comes for batches of nothing but control records too, which nobody is given to take.
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
      const cursor = cursors.get(partition);
      if (over || cursor === undefined) return;
      watched.begin();
      const next = Number(lastOffset) + 1;
      reading.onSettled?.(cursor.advance(next), partition, next);
      if (cursor.next !== next) goOn(partition);
      endIfRead();
    });
    consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
      if (!restart) end(() => reject(error));
    });
    signal.addEventListener('abort', () => end(resolve), { once: true });
    const eachBatch = async ({ batch, heartbeat }: EachBatchPayload) => {
      const { partition, messages, fetchedOffset } = batch as Batch & { fetchedOffset: string };
      batches++;
      // kafkajs goes to the first offset there is by itself when the one that it asked for is gone.
      if (!over) letGo(partition, Number(fetchedOffset));
      const wanted = messages.filter(({ offset }) => cursors.get(partition)?.wants(Number(offset)));
      if (over || wanted.length === 0) return;
      watched.end();
      try {
        if (!(await withHeartbeats(reading.take(partition, wanted), heartbeat))) end(resolve);
      } catch (error) {
        end(() => reject(error));
      }
    };
    watched.begin();
    start().catch((error) => end(() => reject(error)));
    async function start() {
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({ autoCommit: false, eachBatch });
    }
  });
  try {
    await done;
  } finally {
    quiet?.end();
    await consumer.disconnect().catch(() => {});
  }
}

function cursorsOf(spans: readonly OffsetRange[]): Map<number, Cursor> {
  const cursors = new Map<number, Cursor>();
  for (const { partition } of spans) {
    const own = spans.filter((span) => span.partition === partition && span.from < span.until);
    if (own.length > 0) cursors.set(partition, new Cursor(own));
  }
  return cursors;
}

/** A heartbeat that fails means that the group forms again; what is being taken is finished all the same, once. */
async function withHeartbeats<T>(work: Promise<T>, heartbeat: () => Promise<void>): Promise<T> {
  const timer = setInterval(() => heartbeat().catch(() => {}), BEAT_EVERY_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

export function silent(topic: string): CommandError {
  return new CommandError(
    'TOPIC_SILENT',
    `nothing came from ${topic} for ${SILENCE_MAX_MS / 1000} s before its end; run the command again`,
  );
}
