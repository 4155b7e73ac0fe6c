import { randomUUID } from 'node:crypto';
import { kafkaClient } from '@calltally/contract';
import type { DeadLetterStatus, Store } from '@calltally/store';
import type { Kafka, KafkaMessage } from 'kafkajs';
import type { OpsSettings } from '../context.ts';
import { CommandError } from '../failure.ts';
import type { OffsetRange } from '../reading/cursor.ts';
import { readOffsetRanges } from '../reading/read-offset-ranges.ts';
import { isChosen, type Selection } from './selection.ts';
import { eventId, readLetter, type StoredDeadLetter } from './stored-dead-letter.ts';

/** A letter, the event it tells of, and what was done with that. */
export interface FoundDeadLetter {
  letter: StoredDeadLetter;
  event: string;
  mark: DeadLetterStatus | undefined;
}

export interface DeadLetterClient {
  kafka: Kafka;
  store: Store;
  dlqTopic: string;
  groupId: string;
  /** Names of the topics there are. */
  topics: ReadonlySet<string>;
  /** First and next offset of the partitions of the dead-letter topic, at the time of asking. */
  ends: readonly OffsetRange[];
}

export interface Scan {
  selection: Selection;
  /** Takes letters in the order of their partition. @returns false when no more are wanted */
  take(found: FoundDeadLetter[]): Promise<boolean>;
  /** @param done letters that were read, of `all` */
  onProgress?(done: number, all: number): void;
  signal: AbortSignal;
}

/** What is handed on at once, and claimed at once: so much is in doubt after a kill. */
const CHUNK_LETTERS = 100;
const CHUNK_BYTES = 512 * 1024;

/** @throws CommandError DLQ_UNKNOWN, errors of kafkajs */
export async function connectDeadLetters(
  settings: OpsSettings['kafka'],
  store: Store,
): Promise<DeadLetterClient> {
  const { brokers, ssl, sasl, dlqTopic, groupId } = settings;
  const kafka = kafkaClient({ brokers, ssl, sasl, clientId: 'calltally-ops' });
  const admin = kafka.admin();
  try {
    await admin.connect();
    const topics = new Set(await admin.listTopics());
    if (!topics.has(dlqTopic)) {
      throw new CommandError(
        'DLQ_UNKNOWN',
        `there is no topic ${dlqTopic}; set KAFKA_DLQ_TOPIC, or start ingest`,
      );
    }
    const ends = (await admin.fetchTopicOffsets(dlqTopic)).map(({ partition, low, high }) => ({
      partition,
      from: Number(low),
      until: Number(high),
    }));
    return { kafka, store, dlqTopic, groupId, topics, ends };
  } finally {
    await admin.disconnect();
  }
}

/**
 * Hands on the chosen letters, with their marks, from the first to the last there was when the client connected; what
 * fails again meanwhile is not among them. Holds one fetched batch, whatever the topic holds.
 *
 * @returns the ids asked for that the topic does not hold
 * @throws what `take` throws, StoreError, errors of kafkajs
 */
export async function scanLetters(client: DeadLetterClient, scan: Scan): Promise<string[]> {
  const { kafka, dlqTopic, groupId } = client;
  const { selection, signal } = scan;
  const missing = new Set(selection.ids);
  const spans = spansOf(client.ends, selection.ids);
  const all = spans.reduce((sum, { from, until }) => sum + until - from, 0);
  let done = 0;
  const take = async (partition: number, messages: KafkaMessage[]) => {
    const letters = messages.map((message) => readLetter(dlqTopic, partition, message));
    for (const chunk of chunksOf(letters.filter((letter) => isChosen(letter, selection)))) {
      for (const { id } of chunk) missing.delete(id);
      if (!(await scan.take(await withMarks(client.store, chunk))) || signal.aborted) return false;
    }
    return true;
  };
  const onSettled = (offsets: number) => {
    done += offsets;
    scan.onProgress?.(done, all);
  };
  await readOffsetRanges(kafka, {
    topic: dlqTopic,
    groupId: `${groupId}.dlq.${randomUUID()}`,
    spans,
    take,
    onSettled,
    signal,
  });
  return [...missing];
}

function spansOf(ends: readonly OffsetRange[], ids: readonly string[]): readonly OffsetRange[] {
  if (ids.length === 0) return ends;
  return ids.flatMap((id) => {
    const [partition, offset] = id.split(':').map(Number) as [number, number];
    const isThere = ends.some(
      (end) => end.partition === partition && end.from <= offset && offset < end.until,
    );
    return isThere ? [{ partition, from: offset, until: offset + 1 }] : [];
  });
}

async function withMarks(store: Store, letters: StoredDeadLetter[]): Promise<FoundDeadLetter[]> {
  const events = letters.map((letter) => ({ letter, event: eventId(letter) }));
  const marks = await store.deadLetterStatuses.of(events.map(({ event }) => event));
  return events.map((one) => ({ ...one, mark: marks.get(one.event) }));
}

function* chunksOf(letters: readonly StoredDeadLetter[]): Generator<StoredDeadLetter[]> {
  let chunk: StoredDeadLetter[] = [];
  let bytes = 0;
  for (const letter of letters) {
    const more = letter.value?.length ?? 0;
    if (chunk.length === CHUNK_LETTERS || (chunk.length > 0 && bytes + more > CHUNK_BYTES)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(letter);
    bytes += more;
  }
  if (chunk.length > 0) yield chunk;
}
