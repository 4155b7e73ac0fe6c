import { setTimeout as sleep } from 'node:timers/promises';
import { KAFKA_RETRY } from '@calltally/contract';
import type { EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import { CommandError } from '../failure.ts';
import { Cursor, type Span } from './cursor.ts';

export interface Reading {
  topic: string;
  /** Of this reader alone: it commits nothing, so the brokers forget it. */
  groupId: string;
  /** One without an end is read for as long as `signal` lets it. */
  spans: readonly Span[];
  /** Takes messages that follow each other in one partition. @returns false when no more are wanted */
  take(partition: number, messages: KafkaMessage[]): Promise<boolean>;
  /** Offsets of the spans that need no more reading: all those of the partition below `next`. */
  onSettled?(offsets: number, partition: number, next: number): void;
  signal: AbortSignal;
}

const SESSION_TIMEOUT_MS = 30_000;
const BEAT_EVERY_MS = 3_000;
const FETCH_WAIT_MS = 500;
const PARTITION_BYTES_MAX = 1_048_576;
/** A coordinator that loads its groups, or moves, ends a consumer that is new to it; seconds later it does not. */
const RESTARTS_MAX = 12;
const RESTART_PAUSE_MS = 500;
/** Longer than a group takes to form and than all attempts of a fetch together. */
export const SILENCE_MAX_MS = 120_000;

/**
 * Reads spans of offsets and ends by itself. Holds one fetched batch at a time, takes every message once, and goes on
 * where it was when the group has to form again.
 *
 * @throws what `take` throws, errors of kafkajs, CommandError TOPIC_SILENT when nothing comes any more
 */
export async function readSpans(kafka: Kafka, reading: Reading): Promise<void> {
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
  let timer: NodeJS.Timeout | undefined;
  const done = new Promise<void>((resolve, reject) => {
    const end = (settle: () => void) => {
      over = true;
      settle();
    };
    const heard = () => {
      clearTimeout(timer);
      if (hasEnd) timer = setTimeout(() => end(() => reject(silent(topic))), SILENCE_MAX_MS);
    };
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
      heard();
      const next = Number(lastOffset) + 1;
      reading.onSettled?.(cursor.advance(next), partition, next);
      if (cursor.next !== next) goOn(partition);
      if ([...cursors.values()].every((one) => one.next === undefined)) end(resolve);
    });
    consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
      if (!restart) end(() => reject(error));
    });
    signal.addEventListener('abort', () => end(resolve), { once: true });
    const eachBatch = async ({ batch: { partition, messages }, heartbeat }: EachBatchPayload) => {
      const wanted = messages.filter(({ offset }) => cursors.get(partition)?.wants(Number(offset)));
      if (over || wanted.length === 0) return;
      clearTimeout(timer);
      try {
        if (!(await withHeartbeats(reading.take(partition, wanted), heartbeat))) end(resolve);
      } catch (error) {
        end(() => reject(error));
      }
    };
    heard();
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
    clearTimeout(timer);
    await consumer.disconnect().catch(() => {});
  }
}

function cursorsOf(spans: readonly Span[]): Map<number, Cursor> {
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
