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
import { redisCommand, whileConnected } from './engines.ts';
import { type Sample, samplesOf } from './metrics.ts';
import { TcpProxy, through } from './proxy.ts';
import { freePort, Service } from './service.ts';

/** Characters of the log that an error shows. */
const LOG_SHOWN = 4_000;

/** Tests share Kafka and Mongo unless they break them. Each test has its own Redis. */
export interface PlatformOptions {
  own?: readonly ('kafka' | 'mongo')[];
  /** Engines that services reach through a faulty proxy. Tests always connect directly. */
  lines?: readonly ('redis' | 'mongo')[];
  ingests?: number;
  apis?: number;
  redisArguments?: string[];
  /** How long an API process that ends goes on answering. Default: 0. */
  drainSeconds?: number;
  /** Without it, ingest audits every active user every few seconds; a test must never see it find drift. */
  audit?: { share: number; usersPerMinute: number };
}

/** The whole service on this machine: engines, ingest and API in their own processes, on their own topic. */
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
    drainSeconds: number,
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
      // The driver of a replica set would find the members by itself and bypass the proxy.
      MONGODB_URI: through(lines.get('mongo'), this.mongoUri, '?directConnection=true'),
    };
    const draining = { DRAIN_SECONDS: String(drainSeconds) };
    this.apis = ports.apis.map(
      (port) => new Service('api', port, { ...env, ...draining, PORT: String(port) }, folder),
    );
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

  /** Starts everything and waits until it is ready. Everything ends with `t`. */
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
    const platform = new Platform(
      { kafka, redis, mongo },
      folder,
      ports,
      lines,
      audit,
      options.drainSeconds ?? 0,
    );
    t.teardown(() => platform.#end());
    await Promise.all(platform.#services.map((service) => service.start()));
    return platform;
  }

  /** The API that answers dashboards. Like a load balancer, takes the first one that is not taken out. */
  get api(): Service {
    return this.apis.find((api) => api !== this.#out)!;
  }

  /** Sends no dashboards to an API until `work` on it is done. */
  async withoutApi(api: Service, work: () => Promise<void>): Promise<void> {
    this.#out = api;
    await work();
    this.#out = undefined;
  }

  get #services(): Service[] {
    return [...this.apis, ...this.ingests];
  }

  /** The proxy in front of an engine. Only for engines in the option `lines`. */
  line(name: 'redis' | 'mongo'): TcpProxy {
    const line = this.#lines.get(name);
    if (line === undefined)
      throw new Error(`the platform has no proxy for ${name}: name it in the option lines`);
    return line;
  }

  get #database(): string {
    return this.topic.replaceAll('-', '_');
  }

  /** Kills and restarts every API and every ingest, even if they cannot get ready now. */
  async restartServices(): Promise<void> {
    await Promise.all(
      this.#services.map(async (service) => {
        await service.end('SIGKILL');
        service.launch();
        await service.alive();
      }),
    );
  }

  /** Creates an API key of a user. */
  async key(userId: string): Promise<string> {
    return (await this.store.apiKeys.create({ userId })).apiKey;
  }

  /** Writes events as another client might: with its own choice of message key, and every other one as a CloudEvent. */
  async sendUnderKey(key: string, events: readonly CallEvent[]): Promise<void> {
    const values = events.map((event, i) =>
      i % 2 === 0 ? encodeCallEvent(event) : JSON.stringify({ specversion: '1.0', data: event }),
    );
    await this.sendMessages(values.map((value) => ({ key, value })));
  }

  /** Writes messages unchanged. */
  async sendMessages(messages: Message[]): Promise<void> {
    if (messages.length === 0) return;
    await whileConnected(this.#kafkaClient.producer(), (producer) =>
      producer.send({ topic: this.topic, messages, acks: -1 }),
    );
  }

  /** Reads the dead-letter topic from its start. */
  async deadLetters(count: number): Promise<KafkaMessage[]> {
    const letters: KafkaMessage[] = [];
    const consumer = this.#kafkaClient.consumer({ groupId: `${this.dlqTopic}-reader` });
    await whileConnected(consumer, async () => {
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

  /** Resolves when the consumer group has committed everything that is on the topic now. */
  async untilRead(withinMs = 60_000): Promise<void> {
    await whileConnected(this.#kafkaClient.admin(), async (admin) => {
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
   * Resolves when counters answer a user, and count everything that was acknowledged before this call.
   * @param apiKey of any user, because all share one as-of
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

  /** Ids of the members of the consumer group. */
  async groupMembers(): Promise<string[]> {
    return whileConnected(this.#kafkaClient.admin(), async (admin) => {
      const { groups } = await admin.describeGroups([this.groupId]);
      return groups[0]!.members.map(({ memberId }) => memberId);
    });
  }

  /** Deletes the topic and creates it again, so its offsets start at 0. */
  async remakeTopic(): Promise<void> {
    await whileConnected(this.#kafkaClient.admin(), async (admin) => {
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

  /** Expires every record of the topic at once, as retention does over time. */
  async expireAllRecords(): Promise<void> {
    await whileConnected(this.#kafkaClient.admin(), async (admin) => {
      const ends = await admin.fetchTopicOffsets(this.topic);
      await admin.deleteTopicRecords({
        topic: this.topic,
        partitions: ends.map(({ partition, high }) => ({ partition, offset: high })),
      });
    });
  }

  /** Sets the checkpoints of Redis to nothing counted, as after a restore of a very old dump. */
  async rewindCheckpoints(): Promise<void> {
    const checkpoints = Array.from({ length: 6 }, (_, partition) => `mark:0:${partition} -1`).join(' ');
    await redisCommand(this.redis.address, `HSET ct:ledger:{0} ${checkpoints}`);
  }

  /** Samples of a metric from all ingest processes. */
  async metric(name: string): Promise<Sample[]> {
    const pages = await Promise.all(
      this.ingests.map(async ({ url }) => (await fetch(`${url}/metrics`)).text().catch(() => '')),
    );
    return pages.flatMap((page) => samplesOf(page, name));
  }

  /** The sum of a metric's samples from all ingest processes. */
  async total(name: string): Promise<number> {
    return (await this.metric(name)).reduce((sum, { value }) => sum + value, 0);
  }

  async flushRedis(): Promise<void> {
    await redisCommand(this.redis.address, 'FLUSHALL');
  }

  async #end(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.end('SIGKILL')));
    await Promise.race([this.producer.close(), new Promise((resolve) => setTimeout(resolve, 2_000))]).catch(
      () => {},
    );
    await this.store.close();
  }
}
