import {
  type DeadLetter,
  deadLetterMessage,
  type LetterLimits,
  messageBytes,
  type Rejection,
} from '@calltally/contract';
import kafkajs, { type Kafka, type KafkaMessage, type Message, type Producer } from 'kafkajs';
import type { IngestMetrics } from './metrics.ts';

/** A message that cannot be counted, and why. */
export interface Rejected {
  message: KafkaMessage;
  /** If one letter stands for several offsets, the last of them. */
  lastOffset?: number;
  rejection: Rejection;
}

/** The dead-letter topic cannot be written. The batch is retried. */
export class DeadLetterError extends Error {
  override readonly name = 'DeadLetterError';
  readonly code = 'INGEST_DEAD_LETTERS_UNAVAILABLE';
  readonly retryable = true;

  constructor(override readonly cause: unknown) {
    super('INGEST_DEAD_LETTERS_UNAVAILABLE: dead letters cannot be written, retrying');
  }
}

const ACKS_ALL = -1;
/** Uncompressed; half of what a topic takes by default. A larger letter is sent alone. */
const REQUEST_MAX_BYTES = 512 * 1024;
/** How much is kept of a letter that is too large for the topic. */
const TINY_LIMITS: LetterLimits = { valueMaxBytes: 1024, keyMaxBytes: 256, headersMaxBytes: 0 };

/**
 * Writes dead letters. Not with an idempotent producer: after a failure kafkajs reuses sequence numbers, and brokers
 * silently drop such records. A letter may be there twice, but none may be missing.
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
   * Resolves when all in-sync replicas have the letters; only then may their offsets be committed. A letter that is
   * written again has the same `source-partition` and `source-offset`.
   * @throws DeadLetterError; then any part may have been written
   */
  async write(partition: number, rejected: readonly Rejected[]): Promise<void> {
    if (rejected.length === 0) return;
    this.#producer ??= this.#connect();
    const producer = this.#producer;
    const letters = rejected.map((one) => this.#letterOf(partition, one));
    try {
      for (const request of requestsOf(letters)) await this.#send(await producer, request);
    } catch (thrown) {
      await this.close();
      throw new DeadLetterError(thrown);
    }
    for (const { rejection } of rejected) this.#metrics.deadLetters.inc({ code: rejection.code });
  }

  async close(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.then((connected) => connected.disconnect()).catch(() => {});
  }

  #letterOf(partition: number, { message, lastOffset, rejection }: Rejected): DeadLetter {
    const { key, value, headers, offset } = message;
    const { topic } = this.#topics;
    return { key, value, headers, rejection, topic, partition, offset, lastOffset, failedAt: Date.now() };
  }

  /** If the topic takes less than usual: sends fewer letters at a time, and in the end less of a letter. */
  async #send(producer: Producer, letters: readonly DeadLetter[]): Promise<void> {
    try {
      await this.#produce(
        producer,
        letters.map((letter) => deadLetterMessage(letter)),
      );
    } catch (thrown) {
      if (!isTooLarge(thrown)) throw thrown;
      const [first, ...others] = letters;
      if (others.length === 0) return this.#produce(producer, [deadLetterMessage(first!, TINY_LIMITS)]);
      const half = Math.ceil(letters.length / 2);
      await this.#send(producer, letters.slice(0, half));
      await this.#send(producer, letters.slice(half));
    }
  }

  async #produce(producer: Producer, messages: Message[]): Promise<void> {
    // One partition, so that one answer covers all: kafkajs can drop a partition whose leader moves, and still succeed.
    const places = await producer.send({
      topic: this.#topics.dlqTopic,
      acks: ACKS_ALL,
      // A message that arrived compressed may not fit otherwise.
      compression: kafkajs.CompressionTypes.GZIP,
      messages: messages.map((message) => ({ ...message, partition: 0 })),
    });
    if (!(Number(places[0]?.baseOffset ?? -1) >= 0)) throw new Error('dead letters were not acknowledged');
  }

  async #connect(): Promise<Producer> {
    const producer = this.#kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    return producer;
  }
}

function* requestsOf(letters: readonly DeadLetter[]): Generator<DeadLetter[]> {
  let request: DeadLetter[] = [];
  let bytes = 0;
  for (const letter of letters) {
    const more = messageBytes(deadLetterMessage(letter));
    if (request.length > 0 && bytes + more > REQUEST_MAX_BYTES) {
      yield request;
      request = [];
      bytes = 0;
    }
    request.push(letter);
    bytes += more;
  }
  yield request;
}

/** Whether the brokers refuse the size of a request. kafkajs wraps errors that it does not retry. */
function isTooLarge(thrown: unknown): boolean {
  const { type, cause } = thrown as { type?: string; cause?: unknown };
  if (type === 'MESSAGE_TOO_LARGE' || type === 'RECORD_LIST_TOO_LARGE') return true;
  return cause instanceof Error && isTooLarge(cause);
}
