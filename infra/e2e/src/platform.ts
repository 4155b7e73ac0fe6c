import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureTopics } from '@calltally/contract';
import { type Engine, startKafka, startMongo, startRedis } from '@calltally/stack';
import { drawPort, type Test, testKafka, testMongo } from '@calltally/stack/testing';
import type { KafkaMessage } from 'kafkajs';
import { Deployment } from './deployment.ts';
import { redisCommand, whileConnected } from './engines.ts';
import { TcpProxy, through } from './proxy.ts';
import { Service, THIS_VERSION } from './service.ts';

/** Tests share Kafka and Mongo unless they break them. Each test has its own Redis. */
export interface PlatformOptions {
  own?: readonly ('kafka' | 'mongo')[];
  /** Engines that services reach through a faulty proxy. Tests always connect directly. */
  lines?: readonly ('redis' | 'mongo')[];
  ingests?: number;
  apis?: number;
  /** Default: none. */
  intakes?: number;
  redisArguments?: string[];
  /**
   * How soon Kafka gives the partitions of a silent ingest to others. Default: as soon as it may, for tests that kill or stop
   * one. On a busy machine that happens to others, too: each time is a new epoch.
   */
  sessionTimeoutMs?: number;
  /** How long an API process that ends goes on answering. Default: 0. */
  drainSeconds?: number;
  /** Without it, ingest audits every active user every few seconds; a test must never see it find drift. */
  audit?: { share: number; usersPerMinute: number };
  /** Of ingest: whether counters keep sums by cell, and of how many cells a month. */
  cells?: { COUNTERS_DETAIL: 'off' } | { COUNTERS_CELLS_MAX: string };
  /** The repository whose build starts. Default: this one. */
  version?: URL;
  /** Where every process sends traces. Default: nowhere. */
  collector?: string;
}

/** For the secrets of hooks. */
export const HOOKS = { HOOK_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}` };

/** The whole service on this machine: engines, ingest, API and intake in their own processes, on their own topic. */
export class Platform extends Deployment {
  readonly kafka: Engine;
  readonly redis: Engine;
  readonly mongo: Engine;
  readonly apis: Service[];
  readonly ingests: Service[];
  readonly intakes: Service[];
  readonly #lines: ReadonlyMap<string, TcpProxy>;
  #out: Service | undefined;

  private constructor(
    engines: { kafka: Engine; redis: Engine; mongo: Engine },
    folder: string,
    ports: { apis: number[]; ingests: number[]; intakes: number[] },
    lines: ReadonlyMap<string, TcpProxy>,
    { audit, drainSeconds = 0, cells, collector, sessionTimeoutMs = 1_500 }: PlatformOptions,
  ) {
    super({ kafka: engines.kafka.address, mongo: engines.mongo.address });
    this.#lines = lines;
    this.kafka = engines.kafka;
    this.redis = engines.redis;
    this.mongo = engines.mongo;
    const env = {
      ...this.env,
      KAFKA_SESSION_TIMEOUT_MS: String(sessionTimeoutMs),
      REDIS_URL: through(lines.get('redis'), this.redis.address),
      // The driver of a replica set would find the members by itself and bypass the proxy.
      MONGODB_URI: through(lines.get('mongo'), this.mongoUri, '?directConnection=true'),
      ...(collector && { OTEL_EXPORTER_OTLP_ENDPOINT: collector }),
    };
    const draining = { DRAIN_SECONDS: String(drainSeconds) };
    this.apis = ports.apis.map(
      (port) => new Service('api', port, { ...env, ...draining, PORT: String(port) }, folder),
    );
    const { share, usersPerMinute } = audit ?? { share: 1, usersPerMinute: 6_000 };
    const audited = { AUDIT_SHARE: String(share), AUDIT_USERS_PER_MINUTE: String(usersPerMinute) };
    this.ingests = ports.ingests.map(
      (port) =>
        new Service('ingest', port, { ...env, ...audited, ...cells, INGEST_PORT: String(port) }, folder),
    );
    this.intakes = ports.intakes.map(
      (port) =>
        new Service('intake', port, { ...env, ...draining, ...HOOKS, INTAKE_PORT: String(port) }, folder),
    );
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
    const free = (count = 1) => Promise.all(Array.from({ length: count }, drawPort));
    const ports = {
      apis: await free(options.apis),
      ingests: await free(options.ingests),
      intakes: await free(options.intakes ?? 0),
    };
    const platform = new Platform({ kafka, redis, mongo }, folder, ports, lines, options);
    for (const service of [...platform.services, ...platform.intakes]) {
      service.version = options.version ?? THIS_VERSION;
    }
    t.teardown(() => platform.end());
    await Promise.all(platform.services.map((service) => service.start()));
    // Ingest has made the topics.
    await Promise.all(platform.intakes.map((service) => service.start()));
    return platform;
  }

  override async end(): Promise<void> {
    await Promise.all(this.intakes.map((service) => service.end('SIGKILL')));
    await super.end();
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

  /** The proxy in front of an engine. Only for engines in the option `lines`. */
  line(name: 'redis' | 'mongo'): TcpProxy {
    const line = this.#lines.get(name);
    if (line === undefined)
      throw new Error(`the platform has no proxy for ${name}: name it in the option lines`);
    return line;
  }

  /** Kills and restarts every API and every ingest, even if they cannot get ready now. */
  async restartServices(): Promise<void> {
    await Promise.all(
      this.services.map(async (service) => {
        await service.end('SIGKILL');
        service.launch();
        await service.alive();
      }),
    );
  }

  /** Reads the dead-letter topic from its start. */
  async deadLetters(count: number): Promise<KafkaMessage[]> {
    const letters: KafkaMessage[] = [];
    const consumer = this.kafkaClient.consumer({ groupId: `${this.dlqTopic}-reader` });
    await whileConnected(consumer, async () => {
      await consumer.subscribe({ topic: this.dlqTopic, fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachMessage: async ({ message }) => void letters.push(message),
      });
      for (const end = Date.now() + 180_000; letters.length < count && Date.now() < end; ) await sleep(50);
      await sleep(500);
    });
    return letters;
  }

  /** Deletes the topic and creates it again, so its offsets start at 0. */
  async remakeTopic(): Promise<void> {
    await whileConnected(this.kafkaClient.admin(), async (admin) => {
      await admin.deleteTopics({ topics: [this.topic] });
      for (let i = 0; i < 600 && (await admin.listTopics()).includes(this.topic); i++) await sleep(100);
      await ensureTopics(admin, { topic: this.topic, dlqTopic: this.dlqTopic });
      for (let i = 0; i < 600; i++) {
        const served = await admin.fetchTopicOffsets(this.topic).catch(() => undefined);
        if (served !== undefined) return;
        await sleep(100);
      }
    });
  }

  /** Expires every record of the topic at once, as retention does over time. */
  async expireAllRecords(): Promise<void> {
    await whileConnected(this.kafkaClient.admin(), async (admin) => {
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
    await redisCommand(this.redis.address, `HSET ct2:ledger:{0} ${checkpoints}`);
  }

  async flushRedis(): Promise<void> {
    await redisCommand(this.redis.address, 'FLUSHALL');
  }

  get counters() {
    return { url: this.redis.address };
  }
}
