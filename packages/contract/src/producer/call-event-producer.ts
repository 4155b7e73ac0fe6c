import { checkCallEvent } from '../check-call-event.ts';
import { type CallEvent, EVENT_SIZE_MAX_BYTES } from '../event.ts';
import { encodeCallEvent } from '../event-codec.ts';
import type { KafkaClientOptions } from '../kafka-config.ts';
import { TOPIC_DEFAULTS } from '../topics.ts';
import { CallEventInvalidError } from './errors.ts';
import { createEventWriter, type DeliveryOptions, type EventMessage } from './event-writer.ts';
import type { Place } from './sender.ts';

export type { CallEvent, CompletedCallEvent, DeletedCallEvent } from '../event.ts';
export type {
  KafkaLog,
  KafkaLogLevel,
  KafkaSasl,
  KafkaTls,
} from '../kafka-config.ts';
export type { RejectionCode } from '../rejection.ts';
export type { TokenEndpoint } from '../token-source.ts';
export {
  CallEventInvalidError,
  CallEventProducerError,
  PRODUCER_ERROR_CODES,
  type ProducerErrorCode,
} from './errors.ts';
export type { Place } from './sender.ts';

export interface CallEventProducerOptions extends Omit<KafkaClientOptions, 'clientId'>, DeliveryOptions {
  /** Default `calls.completed`. It must exist. */
  topic?: string;
  /** Default `calltally-producer`. */
  clientId?: string;
  /** Headers of an event, such as W3C's `traceparent`; asked for each event when it is sent. Default: none. */
  headers?: () => Record<string, string>;
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
  const { topic = TOPIC_DEFAULTS.topic, clientId = 'calltally-producer', headers } = options;
  const writer = createEventWriter({ ...options, topic, clientId });
  const message = (event: CallEvent, index?: number): EventMessage => {
    const value = checkedValue(event, index);
    return { key: event.user_id, value, ...(headers && { headers: headers() }) };
  };
  return {
    async send(event) {
      const [place] = await writer.write([message(event)]);
      return place!;
    },
    async sendAll(events) {
      return writer.write(events.map(message));
    },
    flush: writer.flush,
    close: writer.close,
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
