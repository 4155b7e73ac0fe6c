import { deadLetterMessage, ensureTopics, kafkaClient, type RejectionCode } from '@calltally/contract';
import { opsSettings, readSettings } from '@calltally/settings';
import { type Test, testKafka, testMongo, uniqueName } from '@calltally/stack/testing';
import { type DeadLetterState, openStore, type Store } from '@calltally/store';
import kafkajs, { type Admin, type IHeaders, type Kafka, type KafkaMessage, type Message } from 'kafkajs';
import {
  connectDeadLetters,
  type FoundDeadLetter,
  scanLetters,
} from '../../src/dead-letters/dead-letter-client.ts';
import { type Around, calltally, databaseOn, NOWHERE, type Ran } from '../support.ts';

export interface LetterSeed {
  key?: Buffer | string | null;
  value?: Buffer | string | null;
  headers?: IHeaders;
  code?: RejectionCode;
  message?: string;
  partition?: number;
  /** Where the event was in its topic; by default each letter tells of another. */
  offset?: number;
  lastOffset?: number;
  failedAt?: string;
}

/** A topic of events, its dead letters and their statuses, of one test alone. */
export class DeadLetterWorld {
  readonly topic = uniqueName('calls');
  readonly dlqTopic = `${this.topic}.dlq`;
  readonly env: Record<string, string>;
  readonly store: Store;
  readonly kafka: Kafka;
  readonly #admin: Admin;
  #seeded = 0;

  private constructor(brokers: string, uri: string) {
    this.env = {
      ...NOWHERE,
      KAFKA_BROKERS: brokers,
      KAFKA_TOPIC: this.topic,
      KAFKA_DLQ_TOPIC: this.dlqTopic,
      KAFKA_GROUP_ID: this.topic,
      MONGODB_URI: uri,
    };
    this.store = openStore({ uri, timeoutMs: 20_000, selectionTimeoutMs: 10_000 });
    this.kafka = kafkaClient({ brokers: brokers.split(','), clientId: 'ops-test' });
    this.#admin = this.kafka.admin();
  }

  static async start(t: Test): Promise<DeadLetterWorld> {
    const [kafka, mongo] = await Promise.all([testKafka(t), testMongo(t)]);
    const world = new DeadLetterWorld(kafka.address, databaseOn(mongo.address, uniqueName('ops')));
    t.teardown(() => Promise.all([world.store.close(), world.#admin.disconnect()]));
    await world.#admin.connect();
    const topics = { topic: world.topic, dlqTopic: world.dlqTopic, partitions: 3 };
    // A broker under load does not know at once of a topic that it has just been told to make.
    await ensureTopics(world.#admin, topics).catch(() => ensureTopics(world.#admin, topics));
    return world;
  }

  /** Writes letters as ingest does. @returns their ids */
  async letters(seeds: LetterSeed[]): Promise<string[]> {
    const messages = seeds.map((seed) =>
      deadLetterMessage({
        key: bytes(seed.key),
        value: bytes(seed.value),
        headers: seed.headers,
        rejection: { code: seed.code ?? 'EVENT_NOT_JSON', message: seed.message ?? 'the value is not JSON' },
        topic: this.topic,
        partition: seed.partition ?? 0,
        offset: seed.offset ?? this.#seeded++,
        lastOffset: seed.lastOffset,
        failedAt: Date.parse(seed.failedAt ?? '2026-03-01T12:00:00Z'),
      }),
    );
    return this.write(messages);
  }

  /** Writes messages to the dead-letter topic as they are. @returns their ids */
  async write(messages: Message[]): Promise<string[]> {
    const producer = this.kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    const ids: string[] = [];
    for (let at = 0; at < messages.length; at += 500) {
      const [place] = await producer.send({
        topic: this.dlqTopic,
        messages: messages.slice(at, at + 500),
        compression: kafkajs.CompressionTypes.GZIP,
      });
      const base = Number(place!.baseOffset);
      for (let i = 0; i < Math.min(500, messages.length - at); i++) ids.push(`0:${base + i}`);
    }
    await producer.disconnect();
    return ids;
  }

  /** Runs `calltally dlq …` on this world. */
  dlq(args: string[], around: Around = {}): Promise<Ran> {
    return calltally(['dlq', ...args], { env: this.env, ...around });
  }

  /** Runs it with --json, for its object. */
  async json(args: string[], around: Around = {}) {
    const { status, out, err } = await this.dlq([...args, '--json'], around);
    const errors = err.split('\n').filter(Boolean);
    // An object that was begun and not ended says that something failed, and standard error what.
    const isWhole = out.endsWith('}\n');
    return {
      status,
      out: isWhole ? JSON.parse(out) : undefined,
      errors: errors.map((line) => JSON.parse(line).error),
    };
  }

  /** Leaves letters as version 0.1 did that was killed while it retried them. */
  async leaveRetrying(ids: string[]): Promise<void> {
    const { kafka } = readSettings(opsSettings, this.env);
    const client = await connectDeadLetters(kafka, this.store);
    const take = async (found: FoundDeadLetter[]) => {
      const events = found.map(({ event, letter }) => ({ id: event, letter: letter.id }));
      await this.store.deadLetterStatuses.set(events, 'retrying' as DeadLetterState);
      return true;
    };
    const { signal } = new AbortController();
    await scanLetters(client, { selection: { ids, filters: {} }, take, onProgress() {}, signal });
  }

  /** How many messages the events' topic has now. */
  async publishedCount(): Promise<number> {
    const ends = await this.#admin.fetchTopicOffsets(this.topic);
    return ends.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0);
  }

  /** Lets all letters before this one expire at once, as retention does. */
  async letGoBefore(id: string): Promise<void> {
    const [partition, offset] = id.split(':');
    const partitions = [{ partition: Number(partition), offset: offset! }];
    // It knows the leaders only of topics that it was asked about.
    await this.#admin.fetchTopicOffsets(this.dlqTopic);
    await this.#admin.deleteTopicRecords({ topic: this.dlqTopic, partitions });
  }

  /** Every message of the events' topic now. */
  async published(): Promise<KafkaMessage[]> {
    const all = await this.publishedCount();
    const messages: KafkaMessage[] = [];
    if (all === 0) return messages;
    const consumer = this.kafka.consumer({ groupId: uniqueName('reader'), maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topic: this.topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      const eachMessage = async ({ message }: { message: KafkaMessage }) => {
        if (messages.push(message) === all) resolve();
      };
      consumer.run({ autoCommit: false, eachMessage }).catch(reject);
    });
    await consumer.disconnect();
    return messages;
  }

  /** How often each letter was published again, by its id. */
  async publishedTimes(): Promise<Map<string, number>> {
    const times = new Map<string, number>();
    for (const { headers } of await this.published()) {
      const id = String(headers?.['retried-from']).slice(this.dlqTopic.length + 1);
      times.set(id, (times.get(id) ?? 0) + 1);
    }
    return times;
  }
}

/** The value of a call event that ingest takes. */
export function callValue(callId: string, more: object = {}): string {
  return JSON.stringify({
    call_id: callId,
    user_id: 'u-1',
    started_at: '2026-03-01T09:30:00Z',
    duration_seconds: 60,
    ...more,
  });
}

function bytes(content: Buffer | string | null | undefined): Buffer | null {
  return content === undefined || content === null ? null : Buffer.from(content);
}
