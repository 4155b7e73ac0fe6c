import { deadLetterMessage, type Rejection } from '@calltally/contract';
import kafkajs, { type Kafka, type KafkaMessage, type Producer } from 'kafkajs';
import type { IngestMetrics } from './metrics.ts';

/** A message that could not be taken, and why. */
export interface Rejected {
  message: KafkaMessage;
  rejection: Rejection;
}

/** The dead-letter topic cannot be written at present; the events wait. */
export class DeadLetterError extends Error {
  override readonly name = 'DeadLetterError';
  readonly code = 'INGEST_DEAD_LETTERS_UNAVAILABLE';
  readonly retryable = true;

  constructor(override readonly cause: unknown) {
    super('INGEST_DEAD_LETTERS_UNAVAILABLE: dead letters cannot be written at present');
  }
}

const ACKS_ALL = -1;

/**
 * Writes to the dead-letter topic what cannot be counted. Not an idempotent producer: a letter may stand there twice,
 * but none may be missing, and kafkajs reuses sequence numbers after a failure, which brokers then drop in silence.
 */
export class DeadLetters {
  readonly #kafka: Kafka;
  readonly #topics: { topic: string; dlqTopic: string };
  readonly #metrics: IngestMetrics;
  #producer: Promise<Producer> | undefined;

  constructor(kafka: Kafka, topics: { topic: string; dlqTopic: string }, metrics: IngestMetrics) {
    this.#kafka = kafka;
    this.#topics = topics;
    this.#metrics = metrics;
  }

  /**
   * Resolves when every replica in sync has the letters; only then may their offsets be committed. Letters of one
   * event have the same `source-partition` and `source-offset`, however often they were written.
   * @throws DeadLetterError; then any part may have been written
   */
  async write(partition: number, letters: readonly Rejected[]): Promise<void> {
    if (letters.length === 0) return;
    this.#producer ??= this.#connect();
    const producer = this.#producer;
    try {
      await this.#send(await producer, partition, letters);
    } catch (thrown) {
      await this.close();
      throw new DeadLetterError(thrown);
    }
    for (const { rejection } of letters) this.#metrics.deadLetters.inc({ code: rejection.code });
  }

  async close(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.then((connected) => connected.disconnect()).catch(() => {});
  }

  async #send(producer: Producer, partition: number, letters: readonly Rejected[]): Promise<void> {
    const { topic, dlqTopic } = this.#topics;
    // One partition, so that one answer covers all: kafkajs can forget a partition whose leader moves, and succeed.
    const places = await producer.send({
      topic: dlqTopic,
      acks: ACKS_ALL,
      // What arrived compressed must fit again.
      compression: kafkajs.CompressionTypes.GZIP,
      messages: letters.map(({ message, rejection }) => ({
        ...deadLetterMessage({
          key: message.key,
          value: message.value,
          headers: message.headers,
          rejection,
          topic,
          partition,
          offset: message.offset,
          failedAt: Date.now(),
        }),
        partition: 0,
      })),
    });
    if (!(Number(places[0]?.baseOffset ?? -1) >= 0)) throw new Error('dead letters were not acknowledged');
  }

  async #connect(): Promise<Producer> {
    const producer = this.#kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    return producer;
  }
}
