import { ensureTopics, type KafkaClientOptions, kafkaClient } from '@calltally/contract';
import { type CounterSessionOptions, type Reach, reachOf } from '@calltally/counters';
import { Filler } from '@calltally/ledger';
import type { Store } from '@calltally/store';
import { type Logger, measureFilling, measureReach } from '@calltally/telemetry';
import type { Consumer } from 'kafkajs';
import pTimeout from 'p-timeout';
import { AsOfMonitor } from './as-of-monitor.ts';
import { AssignmentEpochs } from './assignment-epochs.ts';
import { Auditor, type AuditSettings } from './auditor.ts';
import { Backoff } from './backoff.ts';
import { DeadLetters } from './dead-letters.ts';
import { doEnginesAnswer } from './engine-probe.ts';
import { ErasureFinisher } from './erasure-finisher.ts';
import { type FetchParts, handleFetch } from './handle-fetch.ts';
import { HeldPartitions } from './held-partitions.ts';
import type { Readiness } from './http.ts';
import { Liveness } from './liveness.ts';
import { logRetry } from './log-retry.ts';
import type { IngestMetrics } from './metrics.ts';
import { OffsetCommitter } from './offset-committer.ts';
import { TopicAdmin } from './topic-admin.ts';
import { type StartStep, WorkUnderWay } from './work-under-way.ts';

export interface IngestSettings {
  kafka: Omit<KafkaClientOptions, 'clientId' | 'log'> & {
    topic: string;
    dlqTopic: string;
    groupId: string;
    sessionTimeoutMs: number;
  };
  counters: CounterSessionOptions;
  retentionMonths: number;
  /** Cells that are kept for a user and month; 0: none. Default: `CELLS_MAX`. */
  cellsMax?: number | undefined;
  fill?: { slots: number };
  audit: AuditSettings;
}

/**
 * Partitions of one process that are handled at once. As many as a fetch brings: the next fetch waits for all of them, so
 * if one had to wait for another, every event would wait longer.
 */
const CONCURRENT_PARTITIONS = 12;
const FETCH_WAIT_MS = 250;
/** How long it takes at most until an added partition is noticed; as-of stands still meanwhile. */
const METADATA_MAX_AGE_MS = 3_000;
const REBALANCE_TIMEOUT_MS = 10_000;
const FLUSHED_WITHIN_MS = 2_000;
/** How often the log repeats the same reason why ingest cannot start. */
const REPEAT_REASON_MS = 600_000;

/** One member of the consumer group, with everything that belongs to it. */
export class Ingest {
  readonly #settings: IngestSettings;
  readonly #store: Store;
  readonly #consumer: Consumer;
  readonly #parts: FetchParts;
  readonly #asOf: AsOfMonitor;
  readonly #filler: Filler;
  readonly #erasures: ErasureFinisher;
  readonly #liveness: Liveness;
  readonly #stopping = new AbortController();
  #monitoring: Promise<void> | undefined;
  #starting: StartStep | undefined;
  #assigned: number[] | undefined;
  /** Joins and heartbeats that the brokers have answered. */
  #answers = 0;
  /** Resolves with the error when the consumer cannot go on and the process should end. */
  readonly crashed: Promise<Error>;

  constructor(
    settings: IngestSettings,
    {
      store,
      metrics,
      logger,
      stuckAfterMs,
    }: {
      store: Store;
      metrics: IngestMetrics;
      logger: Logger;
      /** How long work may stand still while brokers and stores answer. Default: five minutes. */
      stuckAfterMs?: number;
    },
  ) {
    const { topic: name, dlqTopic, groupId, sessionTimeoutMs, ...connection } = settings.kafka;
    const kafka = kafkaClient({
      ...connection,
      clientId: 'calltally-ingest',
      // As debug, since kafkajs informs of every pause.
      log: (level, message, fields) => logger[level === 'info' ? 'debug' : level]({ kafka: fields }, message),
    });
    const consumer = kafka.consumer({
      groupId,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.floor(sessionTimeoutMs / 6),
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      maxWaitTimeInMs: FETCH_WAIT_MS,
      metadataMaxAge: METADATA_MAX_AGE_MS,
      allowAutoTopicCreation: false,
      retry: { restartOnFailure: async () => !this.#stopping.signal.aborted },
    });
    const topic = new TopicAdmin(kafka, name, groupId);
    const held = new HeldPartitions({ topic, metrics });
    const shared = {
      topic,
      held,
      metrics,
      logger,
      stopping: this.#stopping.signal,
      seek: (partition: number, offset: number) =>
        consumer.seek({ topic: name, partition, offset: String(offset) }),
      pause: (partition: number) => consumer.pause([{ topic: name, partitions: [partition] }]),
      resume(partition: number) {
        const isPaused = consumer.paused().some(({ partitions }) => partitions.includes(partition));
        if (isPaused) consumer.resume([{ topic: name, partitions: [partition] }]);
      },
    };
    const { counters, retentionMonths, cellsMax } = settings;
    const epochs = new AssignmentEpochs({ ...shared, store, counters, retentionMonths, cellsMax });
    this.#settings = settings;
    this.#store = store;
    this.#consumer = consumer;
    this.#parts = {
      ...shared,
      epochs,
      committer: new OffsetCommitter(name, logger),
      deadLetters: new DeadLetters(kafka, { topic: name, dlqTopic }, metrics),
      auditor: new Auditor({ ...shared, epochs }, settings.audit),
    };
    this.#asOf = new AsOfMonitor({ ...shared, store, epochs });
    this.#filler = new Filler({
      ledger: () => epochs.current?.ledger,
      onFailure: (thrown) => logger.warn({ err: thrown }, 'fill failed, retrying'),
      ...settings.fill,
    });
    this.#erasures = new ErasureFinisher({ ...shared, store, epochs });
    measureFilling(metrics.registry, this.#filler);
    measureReach(metrics.registry, () => this.#reach);
    const { committer } = this.#parts;
    const underWay = new WorkUnderWay({ ...shared, epochs, committer, asOf: this.#asOf });
    this.#liveness = new Liveness({
      ...shared,
      work: () =>
        underWay.now({ starting: this.#starting, assigned: this.#assigned, answers: this.#answers }),
      doEnginesAnswer: () => doEnginesAnswer({ kafka, groupId, topic: name, store, counters }),
      limitMs: stuckAfterMs,
    });
    for (const event of ['HEARTBEAT', 'GROUP_JOIN'] as const) {
      consumer.on(consumer.events[event], () => {
        this.#answers += 1;
      });
    }
    consumer.on(consumer.events.FETCH_PARTITION_FAILED, ({ payload: { partition, error } }) => {
      held.failed(partition, `KAFKA_${error.type}`);
    });
    this.crashed = new Promise((resolve) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        this.#assigned = undefined;
        // kafkajs does not restart after errors that it holds to be final; the supervisor starts another process.
        if (!payload.restart && !this.#stopping.signal.aborted) resolve(payload.error);
      });
    });
  }

  get readiness(): Readiness {
    const { epochs, held } = this.#parts;
    const reach = this.#reach;
    return {
      joined: this.#assigned !== undefined && !this.#stopping.signal.aborted,
      counting: epochs.current !== undefined || this.#assigned?.length === 0,
      partitions: this.#assigned ?? [],
      held: [...held.current]
        .filter(([partition]) => this.#assigned?.includes(partition))
        .map(([partition, { code }]) => ({ partition, code })),
      ...(reach && {
        redis: { masters: reach.masters, masters_away: reach.mastersAway, users_away: reach.usersAway },
      }),
    };
  }

  get #reach(): Reach | undefined {
    const { current } = this.#parts.epochs;
    return current && reachOf(current.ledger.session);
  }

  /** What makes no progress although brokers and stores answer. A fresh start may help. */
  get stuck(): readonly string[] {
    return this.#liveness.stuck;
  }

  /**
   * Creates missing indexes and topics, joins the group and starts counting. Waits while Kafka or Mongo is away, or has rows
   * of the version before.
   */
  async start(): Promise<void> {
    const { epochs, committer, logger } = this.#parts;
    const { topic, dlqTopic } = this.#settings.kafka;
    await this.#retry('indexes', () => this.#store.ensureIndexes());
    // Outside the group: `calltally upgrade` waits until it has no members.
    await this.#retry('rows', () => this.#store.upgrade.requireDone());
    // Not before: an index or an upgrade may take hours, and each attempt at the rest ends by itself.
    void this.#liveness.run();
    await this.#retry('topics', () =>
      this.#parts.topic.use((admin) => ensureTopics(admin, { topic, dlqTopic })),
    );
    this.#consumer.on(this.#consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#assigned = payload.memberAssignment[topic] ?? [];
      logger.info({ partitions: this.#assigned }, 'partitions assigned');
      committer.forget();
      epochs.assign(this.#assigned);
    });
    this.#consumer.on(this.#consumer.events.REBALANCING, () => {
      this.#assigned = undefined;
    });
    await this.#retry('subscription', async () => {
      await this.#consumer.connect();
      await this.#consumer.subscribe({ topic, fromBeginning: true });
    });
    if (this.#stopping.signal.aborted) return;
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: CONCURRENT_PARTITIONS,
      eachBatch: (payload) => handleFetch(this.#parts, payload),
    });
    this.#monitoring = this.#asOf.run();
    void this.#parts.auditor.run();
    void this.#erasures.run();
    this.#filler.start();
  }

  /** Lets in-flight batches end, leaves the group and closes its connections. */
  async stop(): Promise<void> {
    const { epochs, committer, deadLetters, topic } = this.#parts;
    this.#stopping.abort();
    const filled = this.#filler.stop();
    await this.#monitoring;
    await epochs.current?.queues.settled();
    // Whoever goes on would read these events again.
    const flushed = epochs.current?.checkpoints.flush().catch(() => {});
    if (flushed !== undefined) await pTimeout(flushed, { milliseconds: FLUSHED_WITHIN_MS, message: false });
    await committer.settled();
    await this.#consumer.stop().catch(() => {});
    committer.stop();
    await filled;
    epochs.close();
    await Promise.allSettled([this.#consumer.disconnect(), deadLetters.close(), topic.close()]);
  }

  async #retry(what: string, work: () => Promise<unknown>): Promise<void> {
    const backoff = new Backoff();
    let logged: { reason: string; atMs: number } | undefined;
    for (let attempts = 1; !this.#stopping.signal.aborted; attempts++) {
      this.#starting = { what, attempts };
      try {
        await work();
        this.#starting = undefined;
        return;
      } catch (thrown) {
        const reason = String(thrown);
        const atMs = performance.now();
        if (logged?.reason !== reason || atMs > logged.atMs + REPEAT_REASON_MS) {
          logRetry(this.#parts.logger, 'cannot start', thrown, { what });
          logged = { reason, atMs };
        }
        await backoff.pause(this.#stopping.signal);
      }
    }
  }
}
