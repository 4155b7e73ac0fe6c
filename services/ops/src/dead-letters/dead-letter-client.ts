import { randomUUID } from 'node:crypto';
import type { DeadLetterStatus, Store } from '@calltally/store';
import type { Kafka, KafkaMessage } from 'kafkajs';
import type { OpsSettings } from '../context.ts';
import { CommandError } from '../failure.ts';
import { opsKafka, withAdmin } from '../kafka.ts';
import type { OffsetRange } from '../reading/cursor.ts';
import { readOffsetRanges } from '../reading/read-offset-ranges.ts';
import { isChosen, type Selection } from './selection.ts';
import { eventId, readLetter, type StoredDeadLetter } from './stored-dead-letter.ts';

/** A letter, the event it tells of, and what was done with that event; no status while it is open. */
export interface FoundDeadLetter {
  letter: StoredDeadLetter;
  event: string;
  status: DeadLetterStatus | undefined;
}

export interface DeadLetterClient {
  kafka: Kafka;
  store: Store;
  /** Of the events. */
  topic: string;
  dlqTopic: string;
  groupId: string;
  /** The names of all topics. */
  topics: ReadonlySet<string>;
  /** The offsets that each partition of the dead-letter topic had when the client connected. */
  ranges: readonly OffsetRange[];
}

export interface Scan {
  selection: Selection;
  /** Takes letters in the order of their partition. @returns false when no more are wanted */
  take(found: FoundDeadLetter[]): Promise<boolean>;
  /** @param done letters that were read, of `all` */
  onProgress(done: number, all: number): void;
  signal: AbortSignal;
}

/** Letters are taken, published and marked in batches of at most so many: a kill leaves no more in doubt. */
const BATCH_LETTERS_MAX = 100;
const BATCH_BYTES_MAX = 512 * 1024;

/** @throws CommandError DLQ_UNKNOWN, errors of kafkajs */
export async function connectDeadLetters(
  settings: OpsSettings['kafka'],
  store: Store,
): Promise<DeadLetterClient> {
  const { topic, dlqTopic, groupId } = settings;
  const kafka = opsKafka(settings);
  return withAdmin(kafka, async (admin) => {
    const topics = new Set(await admin.listTopics());
    if (!topics.has(dlqTopic)) {
      throw new CommandError(
        'DLQ_UNKNOWN',
        `there is no topic ${dlqTopic}; set KAFKA_DLQ_TOPIC, or start ingest`,
      );
    }
    const offsets = await admin.fetchTopicOffsets(dlqTopic);
    const ranges = offsets.map(({ partition, low, high }) => ({
      partition,
      from: Number(low),
      until: Number(high),
    }));
    return { kafka, store, topic, dlqTopic, groupId, topics, ranges };
  });
}

/**
 * Reads the chosen letters with their statuses, through the last letter that was there when the client connected. An
 * event that is rejected again meanwhile is not among them. Holds one fetched batch, however large the topic is.
 *
 * @returns the ids asked for that the topic does not hold
 * @throws what `take` throws, StoreError, errors of kafkajs
 */
export async function scanLetters(client: DeadLetterClient, scan: Scan): Promise<string[]> {
  const { kafka, store, dlqTopic, groupId } = client;
  const { selection, signal } = scan;
  const missing = new Set(selection.ids);
  const ranges = selection.ids.length === 0 ? client.ranges : rangesOf(selection.ids, client.ranges);
  const all = ranges.reduce((sum, { from, until }) => sum + until - from, 0);
  let done = 0;
  await readOffsetRanges(kafka, {
    topic: dlqTopic,
    groupId: `${groupId}.dlq.${randomUUID()}`,
    ranges,
    async take(partition: number, messages: KafkaMessage[]) {
      const letters = messages.map((message) => readLetter(dlqTopic, partition, message));
      for (const batch of batchesOf(letters.filter((letter) => isChosen(letter, selection)))) {
        for (const { id } of batch) missing.delete(id);
        if (!(await scan.take(await withStatuses(store, batch))) || signal.aborted) return false;
      }
      return true;
    },
    onSettled(offsets) {
      done += offsets;
      scan.onProgress(done, all);
    },
    signal,
  });
  return [...missing];
}

function rangesOf(ids: readonly string[], existing: readonly OffsetRange[]): OffsetRange[] {
  return ids
    .map((id) => id.split(':').map(Number) as [partition: number, offset: number])
    .filter(([partition, offset]) =>
      existing.some((one) => one.partition === partition && one.from <= offset && offset < one.until),
    )
    .map(([partition, offset]) => ({ partition, from: offset, until: offset + 1 }));
}

async function withStatuses(store: Store, letters: StoredDeadLetter[]): Promise<FoundDeadLetter[]> {
  const found = letters.map((letter) => ({ letter, event: eventId(letter) }));
  const statuses = await store.deadLetterStatuses.of(found.map(({ event }) => event));
  return found.map((one) => ({ ...one, status: statuses.get(one.event) }));
}

function* batchesOf(letters: readonly StoredDeadLetter[]): Generator<StoredDeadLetter[]> {
  let batch: StoredDeadLetter[] = [];
  let bytes = 0;
  for (const letter of letters) {
    const more = letter.value?.length ?? 0;
    if (batch.length === BATCH_LETTERS_MAX || (batch.length > 0 && bytes + more > BATCH_BYTES_MAX)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(letter);
    bytes += more;
  }
  if (batch.length > 0) yield batch;
}
