import { ensureTopics, type KafkaClientOptions, kafkaClient, refusedLogin } from '@calltally/contract';
import type { CounterSessionOptions } from '@calltally/counters';
import { Filler } from '@calltally/ledger';
import type { Store } from '@calltally/store';
import { type Logger, measureFilling } from '@calltally/telemetry';
import type { Consumer } from 'kafkajs';
import { AsOfMonitor } from './as-of-monitor.ts';
import { AssignmentEpochs } from './assignment-epochs.ts';
import { Auditor, type AuditSettings } from './auditor.ts';
import { DeadLetters } from './dead-letters.ts';
import { handleFetch } from './handle-fetch.ts';
import { HeldPartitions } from './held-partitions.ts';
import type { Readiness } from './http.ts';
import type { IngestMetrics } from './metrics.ts';
import { OffsetCommitter } from './offset-committer.ts';
import { TopicAdmin } from './topic-admin.ts';
import { Backoff } from './waiting.ts';

export interface IngestSettings {
  kafka: Omit<KafkaClientOptions, 'clientId' | 'log'> & {
    topic: string;
    dlqTopic: string;
    groupId: string;
    sessionTimeoutMs: number;
  };
  counters: CounterSessionOptions;
  retentionMonths: number;
  fill?: { slots: number };
  audit: AuditSettings;
}

/**
 * Partitions of one process worked on at the same time: while one waits for Mongo another one parses. As many as a fetch
 * brings, since the next fetch waits for all of them, and whoever waits for a place makes every event wait longer.
 */
const CONCURRENT_PARTITIONS = 12;
const FETCH_WAIT_MS = 250;
/** How long a partition that was added may wait until somebody reads it; as-of stands still meanwhile. */
const METADATA_MAX_AGE_MS = 3_000;
const REBALANCE_TIMEOUT_MS = 10_000;
/** How often it is said that ingest still cannot start, where nothing but the time has changed. */
const TELL_AGAIN_MS = 600_000;

/** One member of the consumer group, with all that belongs to it. */
export class Ingest {
  readonly #consumer: Consumer;
  readonly #epochs: AssignmentEpochs;
  readonly #committer: OffsetCommitter;
  readonly #deadLetters: DeadLetters;
  readonly #asOf: AsOfMonitor;
  readonly #auditor: Auditor;
  readonly #filler: Filler;
  readonly #topic: TopicAdmin;
  readonly #held: HeldPartitions;
  readonly #stopping = new AbortController();
  readonly #settings: IngestSettings;
  readonly #parts: { store: Store; metrics: IngestMetrics; logger: Logger };
  #assigned: number[] | undefined;
  /** Resolves with the error when the consumer is beyond help and the process should end. */
  readonly crashed: Promise<Error>;

  constructor(settings: IngestSettings, parts: { store: Store; metrics: IngestMetrics; logger: Logger }) {
    const { store, metrics, logger } = parts;
    const { topic, dlqTopic, groupId, sessionTimeoutMs, ...connection } = settings.kafka;
    const kafka = kafkaClient({
      ...connection,
      clientId: 'calltally-ingest',
      // It tells of every pause.
      log: (level, message, fields) => logger[level === 'info' ? 'debug' : level]({ kafka: fields }, message),
    });
    this.#settings = settings;
    this.#parts = parts;
    this.#topic = new TopicAdmin(kafka, topic, groupId);
    this.#committer = new OffsetCommitter(topic, logger);
    this.#deadLetters = new DeadLetters(kafka, { topic, dlqTopic }, metrics);
    this.#consumer = kafka.consumer({
      groupId,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.floor(sessionTimeoutMs / 6),
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      maxWaitTimeInMs: FETCH_WAIT_MS,
      metadataMaxAge: METADATA_MAX_AGE_MS,
      allowAutoTopicCreation: false,
      retry: { restartOnFailure: async () => !this.#stopping.signal.aborted },
    });
    this.#epochs = new AssignmentEpochs({
      store,
      counters: settings.counters,
      retentionMonths: settings.retentionMonths,
      topic: this.#topic,
      metrics,
      logger,
      seek: this.#seek,
      resume: this.#resume,
    });
    this.#held = new HeldPartitions({ topic: this.#topic, metrics });
    this.#consumer.on(this.#consumer.events.FETCH_PARTITION_FAILED, ({ payload: { partition, error } }) => {
      this.#held.failed(partition, `KAFKA_${error.type}`);
    });
    this.#asOf = new AsOfMonitor({
      store,
      epochs: this.#epochs,
      topic: this.#topic,
      held: this.#held,
      metrics,
      logger,
    });
    this.#auditor = new Auditor({ epochs: this.#epochs, metrics, logger }, settings.audit);
    this.#filler = new Filler({
      ledger: () => this.#epochs.current?.ledger,
      onFailure: (thrown) => logger.warn({ err: thrown }, 'fill failed, retrying'),
      ...settings.fill,
    });
    measureFilling(metrics.registry, this.#filler);
    this.crashed = new Promise((resolve) => {
      this.#consumer.on(this.#consumer.events.CRASH, ({ payload }) => {
        this.#assigned = undefined;
        // What kafkajs holds to be final it does not restart from; the supervisor gives us a fresh process.
        if (!payload.restart && !this.#stopping.signal.aborted) resolve(payload.error);
      });
    });
  }

  readonly #seek = (partition: number, offset: number): void => {
    this.#consumer.seek({ topic: this.#settings.kafka.topic, partition, offset: String(offset) });
  };

  readonly #pause = (partition: number): void => {
    this.#consumer.pause([{ topic: this.#settings.kafka.topic, partitions: [partition] }]);
  };

  readonly #resume = (partition: number): void => {
    const { topic } = this.#settings.kafka;
    const isPaused = this.#consumer.paused().some(({ partitions }) => partitions.includes(partition));
    if (isPaused) this.#consumer.resume([{ topic, partitions: [partition] }]);
  };

  get readiness(): Readiness {
    return {
      joined: this.#assigned !== undefined,
      counting: this.#epochs.current !== undefined || this.#assigned?.length === 0,
      partitions: this.#assigned ?? [],
      held: [...this.#held.current]
        .filter(([partition]) => this.#assigned?.includes(partition))
        .map(([partition, { code }]) => ({ partition, code })),
    };
  }

  /** Creates what is missing, joins the group and begins; waits for Kafka and Mongo for as long as it must. */
  async start(): Promise<void> {
    const { topic, dlqTopic } = this.#settings.kafka;
    await this.#untilDone('indexes', () => this.#parts.store.ensureIndexes());
    await this.#untilDone('topics', () =>
      this.#topic.use((admin) => ensureTopics(admin, { topic, dlqTopic })),
    );
    this.#consumer.on(this.#consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#assigned = payload.memberAssignment[topic] ?? [];
      this.#parts.logger.info({ partitions: this.#assigned }, 'partitions assigned');
      this.#committer.forget();
      this.#epochs.assign(this.#assigned);
    });
    this.#consumer.on(this.#consumer.events.REBALANCING, () => {
      this.#assigned = undefined;
    });
    await this.#untilDone('subscription', async () => {
      await this.#consumer.connect();
      await this.#consumer.subscribe({ topic, fromBeginning: true });
    });
    if (this.#stopping.signal.aborted) return;
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: CONCURRENT_PARTITIONS,
      eachBatch: (payload) =>
        handleFetch(
          {
            committer: this.#committer,
            topic: this.#topic,
            epochs: this.#epochs,
            deadLetters: this.#deadLetters,
            auditor: this.#auditor,
            held: this.#held,
            metrics: this.#parts.metrics,
            logger: this.#parts.logger,
            seek: this.#seek,
            pause: this.#pause,
            resume: this.#resume,
            stopping: this.#stopping.signal,
          },
          payload,
        ),
    });
    this.#asOf.start();
    this.#auditor.start();
    this.#filler.start();
  }

  /** Lets the batches in hand end, leaves the group and closes what was opened. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#auditor.stop();
    const filled = this.#filler.stop();
    await this.#asOf.stop();
    await this.#epochs.current?.queues.settled();
    await this.#committer.settled();
    await this.#consumer.stop().catch(() => {});
    this.#committer.stop();
    await filled;
    this.#epochs.stop();
    await Promise.allSettled([this.#consumer.disconnect(), this.#deadLetters.close(), this.#topic.close()]);
  }

  async #untilDone(what: string, work: () => Promise<unknown>): Promise<void> {
    const backoff = new Backoff();
    let told: { reason: string; atMs: number } | undefined;
    while (!this.#stopping.signal.aborted) {
      try {
        await work();
        return;
      } catch (thrown) {
        const reason = String(thrown);
        const atMs = performance.now();
        if (told?.reason !== reason || atMs > told.atMs + TELL_AGAIN_MS) {
          this.#tellWhyNot(what, thrown);
          told = { reason, atMs };
        }
        await backoff.pause(this.#stopping.signal);
      }
    }
  }

  #tellWhyNot(what: string, thrown: unknown): void {
    const { logger } = this.#parts;
    const refusal = refusedLogin(thrown);
    if (refusal === undefined) logger.warn({ err: thrown, what }, 'cannot start, retrying');
    else
      logger.error(
        { what },
        `Kafka refused the login: ${refusal}; trying again. See KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD`,
      );
  }
}
