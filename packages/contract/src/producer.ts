import { checkCallEvent } from './check-call-event.ts';
import { type CallEvent, EVENT_SIZE_MAX_BYTES } from './event.ts';
import { encodeCallEvent } from './event-codec.ts';
import { type KafkaClientOptions, kafkaClient } from './kafka-client.ts';
import { Batcher } from './producer/batcher.ts';
import { CallEventInvalidError, CallEventProducerError } from './producer/errors.ts';
import { createSender, type Place } from './producer/sender.ts';
import { TOPIC_DEFAULTS } from './topics.ts';

export type { CallEvent } from './event.ts';
export {
  CallEventInvalidError,
  CallEventProducerError,
  PRODUCER_ERROR_CODES,
  type ProducerErrorCode,
} from './producer/errors.ts';
export type { Place } from './producer/sender.ts';

export interface CallEventProducerOptions extends Omit<KafkaClientOptions, 'clientId'> {
  /** Default `calls.completed`. It must exist. */
  topic?: string;
  /** Default `calltally-producer`. */
  clientId?: string;
  /** How long an event waits for others to share its request; default 5. */
  lingerMs?: number;
  /** Events per request; default 500. */
  maxBatch?: number;
  /** Events that are queued or being sent; beyond that, `send` waits. Default 10 000. */
  maxBuffered?: number;
  /** An event is acknowledged or has failed after at most twice this, or three times if the buffer was full; default 30 000. */
  deliveryTimeoutMs?: number;
  /** Default `none`. */
  compression?: 'none' | 'gzip';
}

export interface CallEventProducer {
  /**
   * Sends one event. The events of a user keep their order.
   * @returns where it is stored, once all in-sync replicas have it
   * @throws CallEventInvalidError if the event would be rejected; nothing is sent then
   * @throws CallEventProducerError if Kafka did not acknowledge it; `retryable` says whether to send it again
   */
  send(event: CallEvent): Promise<Place>;
  /**
   * Sends many events. All are checked before the first one is sent.
   * @returns their places, in the same order
   * @throws as `send`, the first failure, once all are acknowledged or have failed
   */
  sendAll(events: readonly CallEvent[]): Promise<Place[]>;
  /** Waits until every event sent so far is acknowledged or has failed. */
  flush(): Promise<void>;
  /** Flushes and disconnects. May be called repeatedly. */
  close(): Promise<void>;
}

/** By default, Kafka accepts requests of up to 1 MiB. */
const BATCH_MAX_BYTES = 512 * 1024;

/**
 * Sends call events to calltally. An idempotent producer that waits for all in-sync replicas and partitions by `user_id`
 * as Java clients do. It connects with the first event.
 *
 * @example
 * const calls = createCallEventProducer({ brokers: ['127.0.0.1:9092'] });
 * await calls.send({
 *   call_id: 'c-1',
 *   user_id: 'u-1',
 *   started_at: '2026-03-01T09:30:00Z',
 *   duration_seconds: 84.25,
 * });
 * await calls.close();
 */
export function createCallEventProducer(options: CallEventProducerOptions): CallEventProducer {
  const { topic = TOPIC_DEFAULTS.topic, clientId = 'calltally-producer', compression = 'none' } = options;
  const { lingerMs = 5, maxBatch = 500, maxBuffered = 10_000, deliveryTimeoutMs = 30_000 } = options;
  const { brokers, ssl, sasl, log } = options;
  const kafka = kafkaClient({ brokers, clientId, ssl, sasl, log });
  const sender = createSender(kafka, topic, compression === 'gzip', deliveryTimeoutMs);
  const batcher = new Batcher(sender, {
    lingerMs,
    maxBatch,
    maxBatchBytes: BATCH_MAX_BYTES,
    maxBuffered,
    deliveryTimeoutMs,
  });
  let closing: Promise<void> | undefined;

  const add = (event: CallEvent, value: Buffer) => batcher.add({ key: event.user_id, value }, value.length);

  const assertOpen = () => {
    if (closing !== undefined) {
      throw new CallEventProducerError('PRODUCER_CLOSED', 'the producer is closed; create a new one', false);
    }
  };

  return {
    async send(event) {
      assertOpen();
      return add(event, checkedValue(event));
    },
    async sendAll(events) {
      assertOpen();
      const values = events.map(checkedValue);
      const results = await Promise.allSettled(events.map((event, index) => add(event, values[index]!)));
      return results.map((result) => {
        if (result.status === 'rejected') throw result.reason;
        return result.value;
      });
    },
    flush: () => batcher.flush(),
    close() {
      closing ??= batcher.flush().then(() => sender.close());
      return closing;
    },
  };
}

/** @throws CallEventInvalidError with the reason that ingest would give */
function checkedValue(event: CallEvent, index?: number): Buffer {
  const { rejection } = checkCallEvent(event, Date.now());
  if (rejection !== undefined) throw new CallEventInvalidError(rejection, index);
  try {
    const value = encodeCallEvent(event);
    if (value.length <= EVENT_SIZE_MAX_BYTES) return value;
    const message = `the value has ${value.length} bytes; it may have at most ${EVENT_SIZE_MAX_BYTES}`;
    throw new CallEventInvalidError({ code: 'EVENT_TOO_LARGE', message }, index);
  } catch (error) {
    if (error instanceof CallEventInvalidError) throw error;
    throw new CallEventInvalidError(
      { code: 'EVENT_NOT_JSON', message: `the event cannot be written as JSON: ${error}` },
      index,
    );
  }
}
