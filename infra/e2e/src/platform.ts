import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CallEvent, encodeCallEvent, ensureTopics, kafkaClient } from '@calltally/contract';
import { type CallEventProducer, createCallEventProducer } from '@calltally/contract/producer';
import { type Engine, startKafka, startMongo, startRedis } from '@calltally/stack';
import { type Test, testKafka, testMongo, uniqueName } from '@calltally/stack/testing';
import { openStore, type Store } from '@calltally/store';
import type { Kafka, KafkaMessage, Message } from 'kafkajs';
import { ask } from './dashboard.ts';
import { redisCommand } from './engines.ts';
import { type Sample, samplesOf } from './metrics.ts';
import { TcpProxy, through } from './proxy.ts';
import { freePort, Service } from './service.ts';

/** Of a log, where something did not come about. */
const LOG_SHOWN = 4_000;

/** Kafka and Mongo are shared with other tests unless something is to happen to them; Redis never is. */
export interface PlatformOptions {
  own?: readonly ('kafka' | 'mongo')[];
  /** Engines that services reach through a line that can be spoiled; tests always go straight. */
  lines?: readonly ('redis' | 'mongo')[];
  ingests?: number;
  apis?: number;
  redisArguments?: string[];
  /** Without it ingest compares every active user with Mongo, every few seconds: a test must not see it find anything. */
  audit?: { share: number; usersPerMinute: number };
}

/** The whole service on this machine: engines, ingest and API as processes of their own, on a topic of their own. */
export class Platform {
  readonly kafka: Engine;
  readonly redis: Engine;
  readonly mongo: Engine;
  readonly topic: string;
  readonly dlqTopic: string;
  readonly groupId: string;
  readonly mongoUri: string;
  readonly apis: Service[];
  readonly ingests: Service[];
  readonly store: Store;
  readonly producer: CallEventProducer;
  readonly #lines: ReadonlyMap<string, TcpProxy>;
  readonly #kafkaClient: Kafka;
  #out: Service | undefined;

  private constructor(
    engines: { kafka: Engine; redis: Engine; mongo: Engine },
    folder: string,
    ports: { apis: number[]; ingests: number[] },
    lines: ReadonlyMap<string, TcpProxy>,
    audit: NonNullable<PlatformOptions['audit']>,
  ) {
    this.#lines = lines;
    this.kafka = engines.kafka;
    this.redis = engines.redis;
    this.mongo = engines.mongo;
    this.topic = uniqueName('calls');
    this.dlqTopic = `${this.topic}.dlq`;
    this.groupId = `${this.topic}-ingest`;
    this.mongoUri = `${this.mongo.address}/${this.#database}`;
    const env = {
      KAFKA_BROKERS: this.kafka.address,
      KAFKA_TOPIC: this.topic,
      KAFKA_DLQ_TOPIC: this.dlqTopic,
      KAFKA_GROUP_ID: this.groupId,
      KAFKA_SESSION_TIMEOUT_MS: '1500',
      REDIS_URL: through(lines.get('redis'), this.redis.address),
      // A replica set's driver would find its members by itself, past the line.
      MONGODB_URI: through(lines.get('mongo'), this.mongoUri, '?directConnection=true'),
    };
    this.apis = ports.apis.map((port) => new Service('api', port, { ...env, PORT: String(port) }, folder));
    const audited = {
      AUDIT_SHARE: String(audit.share),
      AUDIT_USERS_PER_MINUTE: String(audit.usersPerMinute),
    };
    this.ingests = ports.ingests.map(
      (port) => new Service('ingest', port, { ...env, ...audited, INGEST_PORT: String(port) }, folder),
    );
    this.store = openStore({ uri: this.mongoUri, timeoutMs: 30_000, selectionTimeoutMs: 10_000 });
    this.#kafkaClient = kafkaClient({ brokers: [this.kafka.address], clientId: 'calltally-e2e' });
    this.producer = createCallEventProducer({ brokers: [this.kafka.address], topic: this.topic });
  }

  /** Everything up and ready; all of it ends with `t`. */
  static async start(t: Test, options: PlatformOptions = {}): Promise<Platform> {
    const folder = mkdtempSync(join(tmpdir(), 'calltally-e2e-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const own = async (start: typeof startRedis, name: string, args: string[] = []) => {
      const engine = await start({ dataDir: join(folder, name), args });
      t.teardown(() => engine.stop('SIGKILL'));
      return engine;
    };
    const [kafka, redis, mongo] = await Promise.all([
      options.own?.includes('kafka') ? own(startKafka, 'kafka') : testKafka(t),
      own(startRedis, 'redis', options.redisArguments),
      options.own?.includes('mongo') ? own(startMongo, 'mongo') : testMongo(t),
    ]);
    const lines = new Map<string, TcpProxy>();
    for (const name of options.lines ?? []) {
      const line = await TcpProxy.to({ redis, mongo }[name].address);
      t.teardown(() => line.close());
      lines.set(name, line);
    }
    const free = (count = 1) => Promise.all(Array.from({ length: count }, freePort));
    const ports = { apis: await free(options.apis), ingests: await free(options.ingests) };
    const audit = options.audit ?? { share: 1, usersPerMinute: 6_000 };
    const platform = new Platform({ kafka, redis, mongo }, folder, ports, lines, audit);
    t.teardown(() => platform.#end());
    await Promise.all(platform.#services.map((service) => service.start()));
    return platform;
  }

  /** The API that dashboards are asked of: as a balancer does it, the first that is not taken out. */
  get api(): Service {
    return this.apis.find((api) => api !== this.#out)!;
  }

  /** Sends dashboards past an API until `work` on it is done. */
  async withoutApi(api: Service, work: () => Promise<void>): Promise<void> {
    this.#out = api;
    await work();
    this.#out = undefined;
  }

  get #services(): Service[] {
    return [...this.apis, ...this.ingests];
  }

  /** What the services reach an engine through; only for one that the option `lines` names. */
  line(name: 'redis' | 'mongo'): TcpProxy {
    const line = this.#lines.get(name);
    if (line === undefined) throw new Error(`this platform was started without a line to ${name}`);
    return line;
  }

  get #database(): string {
    return this.topic.replaceAll('-', '_');
  }

  /** Kills every API and every ingest and starts them again, whether they can get ready now or not. */
  async restartServices(): Promise<void> {
    await Promise.all(
      this.#services.map(async (service) => {
        await service.end('SIGKILL');
        service.launch();
        await service.alive();
      }),
    );
  }

  /** A key of a user's. */
  async key(userId: string): Promise<string> {
    return (await this.store.apiKeys.create({ userId })).apiKey;
  }

  /** Writes events as another client might: with a key of its own choice, and every other one in a CloudEvent. */
  async sendUnderKey(key: string, events: readonly CallEvent[]): Promise<void> {
    const values = events.map((event, i) =>
      i % 2 === 0 ? encodeCallEvent(event) : JSON.stringify({ specversion: '1.0', data: event }),
    );
    await this.sendMessages(values.map((value) => ({ key, value })));
  }

  /** Writes messages as they are. */
  async sendMessages(messages: Message[]): Promise<void> {
    if (messages.length === 0) return;
    await this.#use(this.#kafkaClient.producer(), (producer) =>
      producer.send({ topic: this.topic, messages, acks: -1 }),
    );
  }

  /** What lies in the dead-letter topic, read from its beginning. */
  async deadLetters(count: number): Promise<KafkaMessage[]> {
    const letters: KafkaMessage[] = [];
    const consumer = this.#kafkaClient.consumer({ groupId: `${this.dlqTopic}-reader` });
    await this.#use(consumer, async () => {
      await consumer.subscribe({ topic: this.dlqTopic, fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachMessage: async ({ message }) => void letters.push(message),
      });
      for (const end = Date.now() + 60_000; letters.length < count && Date.now() < end; ) await sleep(50);
      await sleep(500);
    });
    return letters;
  }

  /** Resolves when the consumer group has committed all that the topic holds now. */
  async untilRead(withinMs = 60_000): Promise<void> {
    await this.#use(this.#kafkaClient.admin(), async (admin) => {
      const ends = await admin.fetchTopicOffsets(this.topic);
      for (const end = Date.now() + withinMs; ; await sleep(100)) {
        const [group] = await admin.fetchOffsets({ groupId: this.groupId, topics: [this.topic] });
        const behind = ends.filter(({ partition, high }) => {
          const offset = group!.partitions.find((one) => one.partition === partition)?.offset ?? '-1';
          return Number(high) > 0 && Number(offset) < Number(high);
        });
        if (behind.length === 0) return;
        if (Date.now() <= end) continue;
        const logs = this.ingests.map(({ log }) => log.slice(-LOG_SHOWN)).join('\n');
        throw new Error(`not read within ${withinMs} ms: ${JSON.stringify({ behind, group })}\n${logs}`);
      }
    });
  }

  /**
   * Resolves when counters answer a user and count all that was acknowledged before the call.
   * @param apiKey any user's: as-of is that of all
   */
  async untilCaughtUp(apiKey: string, withinMs = 60_000): Promise<void> {
    const sinceMs = Date.now();
    for (const end = sinceMs + withinMs; ; await sleep(100)) {
      const answer = await ask(this.api.url, apiKey).catch(() => undefined);
      const asOfMs = new Date(answer?.asOf ?? 0).getTime();
      if (answer?.source?.startsWith('counters') && asOfMs >= sinceMs) return;
      if (Date.now() > end) {
        throw new Error(`not caught up within ${withinMs} ms: ${JSON.stringify(answer)}, since ${sinceMs}`);
      }
    }
  }

  /** Members of the consumer group, by id. */
  async groupMembers(): Promise<string[]> {
    return this.#use(this.#kafkaClient.admin(), async (admin) => {
      const { groups } = await admin.describeGroups([this.groupId]);
      return groups[0]!.members.map(({ memberId }) => memberId);
    });
  }

  /** Deletes the topic and creates it again: its offsets begin at 0 once more. */
  async remakeTopic(): Promise<void> {
    await this.#use(this.#kafkaClient.admin(), async (admin) => {
      await admin.deleteTopics({ topics: [this.topic] });
      for (let i = 0; i < 100 && (await admin.listTopics()).includes(this.topic); i++) await sleep(100);
      await ensureTopics(admin, { topic: this.topic, dlqTopic: this.dlqTopic });
      for (let i = 0; i < 100; i++) {
        const served = await admin.fetchTopicOffsets(this.topic).catch(() => undefined);
        if (served !== undefined) return;
        await sleep(100);
      }
    });
  }

  /** What retention does, at once: the topic holds nothing of what it held. */
  async letGoOfAllRecords(): Promise<void> {
    await this.#use(this.#kafkaClient.admin(), async (admin) => {
      const ends = await admin.fetchTopicOffsets(this.topic);
      await admin.deleteTopicRecords({
        topic: this.topic,
        partitions: ends.map(({ partition, high }) => ({ partition, offset: high })),
      });
    });
  }

  /** Makes Redis say that it counted nothing, as one restored from a very old dump would. */
  async rewindMarks(): Promise<void> {
    const marks = Array.from({ length: 6 }, (_, partition) => `mark:0:${partition} -1`).join(' ');
    await redisCommand(this.redis.address, `HSET ct:ledger:{0} ${marks}`);
  }

  /** Samples of a metric, of all ingest processes. */
  async metric(name: string): Promise<Sample[]> {
    const pages = await Promise.all(
      this.ingests.map(async ({ url }) => (await fetch(`${url}/metrics`)).text().catch(() => '')),
    );
    return pages.flatMap((page) => samplesOf(page, name));
  }

  /** A metric that is one number, or its samples added up, of all ingest processes. */
  async total(name: string): Promise<number> {
    return (await this.metric(name)).reduce((sum, { value }) => sum + value, 0);
  }

  async flushRedis(): Promise<void> {
    await redisCommand(this.redis.address, 'FLUSHALL');
  }

  async #use<C extends { connect(): Promise<void>; disconnect(): Promise<void> }, T>(
    client: C,
    work: (client: C) => Promise<T>,
  ): Promise<T> {
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.disconnect();
    }
  }

  async #end(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.end('SIGKILL')));
    await Promise.race([this.producer.close(), new Promise((resolve) => setTimeout(resolve, 2_000))]).catch(
      () => {},
    );
    await this.store.close();
  }
}
