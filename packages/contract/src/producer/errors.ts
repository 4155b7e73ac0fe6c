import { type KafkaNames, kafkaFault } from '../kafka-fault.ts';
import type { Rejection, RejectionCode } from '../rejection.ts';

/** An event that ingest would reject and that was therefore not sent. Sending it again does not help. */
export class CallEventInvalidError extends Error {
  override readonly name = 'CallEventInvalidError';
  readonly code: RejectionCode;
  /** The field at fault, if any. */
  readonly field: string | undefined;
  /** Index of the event in `sendAll`. */
  readonly index: number | undefined;
  readonly retryable = false;

  constructor(rejection: Rejection, index?: number) {
    super(index === undefined ? rejection.message : `event ${index}: ${rejection.message}`);
    this.code = rejection.code;
    this.field = rejection.field;
    this.index = index;
  }
}

export const PRODUCER_ERROR_CODES = [
  /** `send` after `close`. */
  'PRODUCER_CLOSED',
  /** The buffer stayed full for the delivery timeout: events are sent faster than Kafka takes them. */
  'PRODUCER_BUFFER_FULL',
  /** Not acknowledged within the delivery timeout. */
  'PRODUCER_TIMEOUT',
  /** The brokers cannot be reached or are not ready. */
  'PRODUCER_UNAVAILABLE',
  /** The brokers refused: credentials, permissions, size. */
  'PRODUCER_REFUSED',
] as const;

export type ProducerErrorCode = (typeof PRODUCER_ERROR_CODES)[number];

/**
 * An event that was not acknowledged. It may have arrived nevertheless. If `retryable`, send the same event again: its
 * `call_id` keeps it from being counted twice.
 */
export class CallEventProducerError extends Error {
  override readonly name = 'CallEventProducerError';

  constructor(
    readonly code: ProducerErrorCode,
    message: string,
    readonly retryable: boolean,
    cause?: unknown,
  ) {
    super(`${code}: ${message}`, { cause });
  }
}

/** As options of the producer. */
const OPTIONS: KafkaNames = {
  engine: 'Kafka',
  address: '`brokers` and `ssl`',
  authorities: '`ssl.ca`',
  client: '`ssl.cert` and `ssl.key`',
  login: '`sasl`',
  tokens: '`sasl.tokenEndpoint`',
};

const WRAPPERS = ['KafkaJSNumberOfRetriesExceeded', 'KafkaJSNonRetriableError'];
const WRAPPERS_DEEP_MAX = 8;

/** Errors that end the producer's session with the broker. The next send starts another. */
const SESSION_OVER = [
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'DUPLICATE_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
];

/** Converts anything thrown by a send to `topic`. kafkajs hides in wrappers whether a retry makes sense. */
export function producerError(thrown: unknown, topic: string): CallEventProducerError {
  if (thrown instanceof CallEventProducerError) return thrown;
  const fault = kafkaFault(thrown, OPTIONS);
  if (fault?.code === 'KAFKA_REFUSED')
    return new CallEventProducerError('PRODUCER_REFUSED', fault.message, false, thrown);
  // Certificates are renewed, and brokers come back, while events are kept.
  if (fault !== undefined)
    return new CallEventProducerError('PRODUCER_UNAVAILABLE', fault.message, true, thrown);
  type KafkaError = { name?: string; message?: string; type?: string; retriable?: boolean; cause?: unknown };
  let root = thrown as KafkaError;
  for (let depth = 0; depth < WRAPPERS_DEEP_MAX; depth++) {
    if (!WRAPPERS.includes(root?.name ?? '') || !(root.cause instanceof Error)) break;
    root = root.cause as KafkaError;
  }
  const why = root?.message ?? String(thrown);
  const retryable = SESSION_OVER.includes(root?.type ?? '') || root?.retriable === true;
  return retryable
    ? new CallEventProducerError('PRODUCER_UNAVAILABLE', `cannot write to ${topic}: ${why}`, true, thrown)
    : new CallEventProducerError('PRODUCER_REFUSED', `${topic} refused the event: ${why}`, false, thrown);
}
