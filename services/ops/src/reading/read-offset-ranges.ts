import { setTimeout as sleep } from 'node:timers/promises';
import { KAFKA_RETRY } from '@calltally/contract';
import type { Batch, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import { CommandError } from '../failure.ts';
import { withAdmin } from '../kafka.ts';
import { Cursor, type OffsetRange } from './cursor.ts';
import { IDLE_MAX_MS, IdleWatchdog } from './idle-watchdog.ts';

export interface ReadOptions {
  topic: string;
  /** Of this reader alone. It commits nothing, so the brokers forget it. */
  groupId: string;
  /** A range without an end is read until `signal` aborts. */
  ranges: readonly OffsetRange[];
  /** Takes messages that follow each other in one partition. @returns false when no more are wanted */
  take(partition: number, messages: KafkaMessage[]): Promise<boolean>;
  /** So many offsets of the ranges need no more reading: all of the partition below `next`. */
  onSettled?(offsets: number, partition: number, next: number): void;
  /** A part of the ranges expired before it was read. */
  onExpired?(expired: OffsetRange): void;
  signal: AbortSignal;
}

const SESSION_TIMEOUT_MS = 30_000;
const HEARTBEAT_EVERY_MS = 3_000;
const FETCH_WAIT_MS = 500;
const PARTITION_BYTES_MAX = 1_048_576;
/** A coordinator that loads its groups, or moves, refuses a new consumer for some seconds. */
const RESTARTS_MAX = 12;
const RESTART_PAUSE_MS = 500;

/**
 * Reads ranges of offsets and ends by itself. Holds one fetched batch at a time, takes each message once, and goes on
 * where it was after a rebalance of its group.
 *
 * @throws what `take` throws, errors of kafkajs, CommandError TOPIC_SILENT when nothing comes any more
 */
export async function readOffsetRanges(kafka: Kafka, options: ReadOptions): Promise<void> {
  const { topic, groupId, ranges, signal } = options;
  const cursors = cursorsOf(ranges);
  const hasEnd = ranges.every(({ until }) => until < Number.POSITIVE_INFINITY);
  if (cursors.size === 0 || signal.aborted) return;
  let over = false;
  let restarts = 0;
  let batches = 0;
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: SESSION_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_EVERY_MS,
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
  let watchdog: IdleWatchdog | undefined;
  const done = new Promise<void>((resolve, reject) => {
    const end = (settle: () => void) => {
      over = true;
      settle();
    };
    const endIfRead = () => {
      if ([...cursors.values()].every((one) => one.next === undefined)) end(resolve);
    };
    const skipExpired = (partition: number, earliest: number) => {
      const cursor = cursors.get(partition);
      for (const expired of cursor?.unreadBelow(earliest) ?? []) {
        options.onExpired?.(expired);
        options.onSettled?.(cursor!.advance(expired.until), partition, expired.until);
      }
    };
    // No batch tells of a partition that has expired altogether.
    const check = async () => {
      const before = batches;
      const offsets = await withAdmin(kafka, (admin) => admin.fetchTopicOffsets(topic)).catch(() => []);
      // Offsets that were taken meanwhile are read, and not lost.
      if (over || batches !== before) return;
      for (const { partition, low } of offsets) skipExpired(partition, Number(low));
      endIfRead();
    };
    const watched = new IdleWatchdog(check, () => {
      if (hasEnd) end(() => reject(topicSilent(topic)));
    });
    watchdog = watched;
    const goOn = (partition: number) => {
      const next = cursors.get(partition)?.next;
      if (next === undefined) consumer.pause([{ topic, partitions: [partition] }]);
      else consumer.seek({ topic, partition, offset: String(next) });
    };
    // A new assignment would begin at the first offset.
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      for (const partition of payload.memberAssignment[topic] ?? []) goOn(partition);
    });
    // Comes also for a batch of control records alone, of which `eachBatch` is not told.
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
      const cursor = cursors.get(partition);
      if (over || cursor === undefined) return;
      watched.start();
      const next = Number(lastOffset) + 1;
      options.onSettled?.(cursor.advance(next), partition, next);
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
      // When the offset that it asked for has expired, kafkajs goes to the first one there is.
      if (!over) skipExpired(partition, Number(fetchedOffset));
      const wanted = messages.filter(({ offset }) => cursors.get(partition)?.wants(Number(offset)));
      if (over || wanted.length === 0) return;
      watched.stop();
      try {
        if (!(await withHeartbeats(options.take(partition, wanted), heartbeat))) end(resolve);
      } catch (error) {
        end(() => reject(error));
      }
    };
    watched.start();
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
    watchdog?.stop();
    await consumer.disconnect().catch(() => {});
  }
}

function cursorsOf(ranges: readonly OffsetRange[]): Map<number, Cursor> {
  const cursors = new Map<number, Cursor>();
  for (const { partition } of ranges) {
    const own = ranges.filter((one) => one.partition === partition && one.from < one.until);
    if (own.length > 0) cursors.set(partition, new Cursor(own));
  }
  return cursors;
}

/** A heartbeat fails during a rebalance. What is being taken is finished all the same, once. */
async function withHeartbeats<T>(work: Promise<T>, heartbeat: () => Promise<void>): Promise<T> {
  const timer = setInterval(() => heartbeat().catch(() => {}), HEARTBEAT_EVERY_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

export function topicSilent(topic: string): CommandError {
  return new CommandError(
    'TOPIC_SILENT',
    `nothing came from ${topic} for ${IDLE_MAX_MS / 1000} s before its end; run the command again`,
  );
}
