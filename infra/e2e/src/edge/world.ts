import { setTimeout as sleep } from 'node:timers/promises';
import { type CallEvent, ensureTopics, kafkaClient } from '@calltally/contract';
import { CounterSession, readGenerations } from '@calltally/counters';
import { createIngestMetrics, Ingest, type IngestMetrics } from '@calltally/ingest';
import { auditUsers } from '@calltally/ledger';
import type { Engine } from '@calltally/stack';
import { type Test, testMongo, testRedis, uniqueName } from '@calltally/stack/testing';
import { openStore, rowId, type Store } from '@calltally/store';
import { createLogger } from '@calltally/telemetry';
import kafkajs, { type Admin, type Kafka, type KafkaMessage, type Producer } from 'kafkajs';
import { whileConnected } from '../engines.ts';
import { RawProducer } from './raw-producer.ts';

/** A dead letter that must be written: for one offset, or for all from the first through the last. */
interface ExpectedLetter {
  kind: string;
  partition: number;
  first: number;
  last: number;
}

export const PARTITIONS = 3;
/** A broker that has just started on a busy machine takes seconds. */
const SERVED_WITHIN_MS = 60_000;

/** Ingest in this process on its own topic, and what must become of everything that is written to the topic. */
export class EdgeWorld {
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly plain: Producer;
  readonly raw: RawProducer;
  readonly store: Store;
  readonly topic: string;
  readonly ingest: Ingest;
  readonly metrics: IngestMetrics;
  readonly user: string;
  readonly said: string[] = [];
  readonly letters: ExpectedLetter[] = [];
  readonly good = new Set<string>();
  /** What the broker refused, by kind. */
  readonly refused: string[] = [];
  readonly sent = new Map<string, number>();
  crashed: Error | undefined;
  /** The environment in which `calltally` finds all of this. */
  readonly environment: Record<string, string>;
  readonly #redisUrl: string;
  #made = 0;

  private constructor(
    parts: {
      kafka: Kafka;
      admin: Admin;
      plain: Producer;
      raw: RawProducer;
      store: Store;
      topic: string;
      brokers: string[];
      mongoUri: string;
    },
    redisUrl: string,
  ) {
    const { kafka, admin, plain, raw, store, topic, brokers } = parts;
    this.kafka = kafka;
    this.admin = admin;
    this.plain = plain;
    this.raw = raw;
    this.store = store;
    this.topic = topic;
    this.user = `${topic}-user`;
    this.#redisUrl = redisUrl;
    this.environment = {
      KAFKA_BROKERS: brokers.join(','),
      KAFKA_TOPIC: topic,
      KAFKA_DLQ_TOPIC: `${topic}.dlq`,
      KAFKA_GROUP_ID: topic,
      REDIS_URL: redisUrl,
      MONGODB_URI: parts.mongoUri,
    };
    this.metrics = createIngestMetrics();
    this.ingest = new Ingest(
      {
        kafka: { brokers, topic, dlqTopic: `${topic}.dlq`, groupId: topic, sessionTimeoutMs: 6_000 },
        counters: { url: redisUrl, commandTimeoutMs: 10_000, openTimeoutMs: 5_000 },
        retentionMonths: 25,
        audit: { share: 0, usersPerMinute: 0 },
      },
      {
        store,
        metrics: this.metrics,
        logger: createLogger({
          service: 'ingest',
          level: 'warn',
          destination: { write: (line) => void this.said.push(line) },
        }),
      },
    );
    void this.ingest.crashed.then((error) => {
      this.crashed = error;
    });
  }

  static async start(t: Test, kafkaEngine: Engine): Promise<EdgeWorld> {
    const [redis, mongo] = await Promise.all([testRedis(t), testMongo(t)]);
    const topic = uniqueName('edge');
    const brokers = kafkaEngine.address.split(',');
    const kafka = kafkaClient({ brokers, clientId: 'edge-test' });
    const store = openStore({
      uri: mongo.address,
      database: topic,
      timeoutMs: 30_000,
      selectionTimeoutMs: 10_000,
    });
    const admin = kafka.admin();
    const plain = kafka.producer();
    await Promise.all([admin.connect(), plain.connect()]);
    await ensureTopics(admin, { topic, dlqTopic: `${topic}.dlq`, partitions: PARTITIONS });
    await untilServed(admin, topic);
    await takeAnyTimestamp(admin, topic);
    const raw = await RawProducer.open(brokers[0]!, topic);
    const world = new EdgeWorld(
      { kafka, admin, plain, raw, store, topic, brokers, mongoUri: `${mongo.address}/${topic}` },
      redis.address,
    );
    t.teardown(async () => {
      raw.close();
      await world.ingest.stop();
      await Promise.all([admin.disconnect(), plain.disconnect(), store.close()]);
    });
    return world;
  }

  /** A call that must be counted once it is on the topic, unless its transaction is aborted. */
  event(): CallEvent {
    return {
      call_id: `${this.topic}-${this.#made++}`,
      user_id: this.user,
      started_at: new Date(Date.now() - 5_000).toISOString(),
      duration_seconds: 1,
    };
  }

  value(event = this.event()): Buffer {
    this.good.add(event.call_id);
    return Buffer.from(JSON.stringify(event));
  }

  /** A call of an aborted transaction. */
  abortedValue(): Buffer {
    return Buffer.from(JSON.stringify(this.event()));
  }

  async sendGood(partition: number, count: number): Promise<void> {
    const messages = Array.from({ length: count }, () => ({ value: this.value(), partition }));
    await this.plain.send({ topic: this.topic, messages, acks: -1 });
  }

  count(kind: string, times = 1): void {
    this.sent.set(kind, (this.sent.get(kind) ?? 0) + times);
  }

  /** Waits until everything is counted and as-of has advanced. @returns what is still wrong after the time limit */
  async faults(withinMs: number): Promise<string[]> {
    const sinceMs = Date.now();
    let found: string[] = [];
    for (const end = sinceMs + withinMs; ; await sleep(100)) {
      found = await this.#faultsNow(sinceMs);
      if (found.length === 0 || Date.now() > end) return found;
      if (this.crashed !== undefined) return [...found, `crashed: ${this.crashed.message}`];
    }
  }

  async #faultsNow(sinceMs: number): Promise<string[]> {
    const asOf = await this.store.progress.asOf();
    if (asOf === undefined || asOf < sinceMs) return ['as-of stands still'];
    const counted = await this.#counted();
    const faults: string[] = [];
    if (counted !== this.good.size) faults.push(`${counted} rows for ${this.good.size} calls`);
    faults.push(...(await this.#drift()));
    return faults.length > 0 ? faults : this.#letterFaults();
  }

  /** How many good calls have a row. */
  async goodRows(): Promise<number> {
    const ids = [...this.good].map((callId) => rowId({ userId: this.user, callId }));
    return (await this.store.calls.find(ids)).size;
  }

  /** The number of the user's rows. If good calls are missing, only the number of good calls that are there. */
  async #counted(): Promise<number> {
    const held = await this.goodRows();
    return held < this.good.size ? held : this.store.users.callsOf(this.user);
  }

  async #drift(): Promise<string[]> {
    if (this.good.size === 0) return [];
    const session = await CounterSession.open({
      url: this.#redisUrl,
      commandTimeoutMs: 10_000,
      openTimeoutMs: 5_000,
    });
    try {
      const generations = await readGenerations(session);
      const { compared, differences } = await auditUsers({ store: this.store, session, generations }, [
        this.user,
      ]);
      if (compared === 0) return ['Redis does not know the user'];
      return differences.length > 0 ? [`drift: ${JSON.stringify(differences)}`] : [];
    } finally {
      session.end('compared');
    }
  }

  async #letterFaults(): Promise<string[]> {
    const letters = await this.readLetters();
    const found = new Set(
      letters.map(({ headers = {} }) => {
        const text = (name: string) => String(headers[name] ?? '');
        const first = text('source-offset');
        return `${text('source-partition')}:${first}-${text('source-last-offset') || first}`;
      }),
    );
    const wanted = new Set(this.letters.map(({ partition, first, last }) => `${partition}:${first}-${last}`));
    const missing = this.letters.filter(
      ({ partition, first, last }) => !found.has(`${partition}:${first}-${last}`),
    );
    const extra = [...found].filter((place) => !wanted.has(place));
    return [
      ...missing.map(({ kind, partition, first }) => `no letter for ${kind} at ${partition}:${first}`),
      ...extra.map((place) => `a letter for ${place}`),
    ];
  }

  /** All dead letters. */
  async readLetters(): Promise<KafkaMessage[]> {
    return this.read(`${this.topic}.dlq`);
  }

  /** All messages in the first partition of a topic. */
  async read(topic: string): Promise<KafkaMessage[]> {
    const ends = await this.admin.fetchTopicOffsets(topic);
    const end = Number(ends.find(({ partition }) => partition === 0)!.high);
    const messages: KafkaMessage[] = [];
    if (end === 0) return messages;
    let next = 0;
    const consumer = this.kafka.consumer({ groupId: uniqueName('reader'), maxWaitTimeInMs: 100 });
    await whileConnected(consumer, async () => {
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          if (batch.partition !== 0) return;
          messages.push(...batch.messages);
          next = Number(batch.lastOffset()) + 1;
        },
      });
      for (const until = Date.now() + 20_000; next < end && Date.now() < until; ) await sleep(20);
    });
    return messages;
  }
}

async function untilServed(admin: Admin, topic: string): Promise<void> {
  for (const end = Date.now() + SERVED_WITHIN_MS; ; await sleep(100)) {
    try {
      await admin.fetchTopicOffsets(topic);
      return;
    } catch (thrown) {
      if (Date.now() > end) throw thrown;
    }
  }
}

/** The default of brokers before Kafka 4. By default, later ones refuse timestamps more than an hour ahead. */
async function takeAnyTimestamp(admin: Admin, topic: string): Promise<void> {
  await alterTopic(admin, topic, { 'message.timestamp.after.max.ms': '9223372036854775807' });
}

/** Sets the given settings of a topic, and resets all others to their defaults. */
export async function alterTopic(
  admin: Admin,
  topic: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  const type = kafkajs.ConfigResourceTypes.TOPIC;
  await admin.alterConfigs({ validateOnly: false, resources: [{ type, name: topic, configEntries }] });
}
