import { refusedLogin } from '../refused-login.ts';
import type { Rejection, RejectionCode } from '../rejection.ts';

/** An event that would be rejected by its reader and so was not sent. Sending it again does not help. */
export class CallEventInvalidError extends Error {
  readonly code: RejectionCode;
  /** The field at fault, where it is one. */
  readonly field: string | undefined;
  /** Which event of a `sendAll` it was, from 0. */
  readonly index: number | undefined;
  readonly retryable = false;

  constructor(rejection: Rejection, index?: number) {
    super(index === undefined ? rejection.message : `event ${index}: ${rejection.message}`);
    this.name = 'CallEventInvalidError';
    this.code = rejection.code;
    this.field = rejection.field;
    this.index = index;
  }
}

export const PRODUCER_ERROR_CODES = [
  /** `send` after `close`. */
  'PRODUCER_CLOSED',
  /** No room in the buffer within the delivery timeout: more is sent than Kafka takes. */
  'PRODUCER_BUFFER_FULL',
  /** Not acknowledged within the delivery timeout. */
  'PRODUCER_TIMEOUT',
  /** The brokers cannot be reached or are not ready. */
  'PRODUCER_UNAVAILABLE',
  /** The brokers said no: credentials, permissions, size. */
  'PRODUCER_REFUSED',
] as const;

export type ProducerErrorCode = (typeof PRODUCER_ERROR_CODES)[number];

/**
 * An event that was not acknowledged, which does not say that it did not arrive. Where `retryable`,
 * send the same event again: its `call_id` keeps it from being counted twice.
 */
export class CallEventProducerError extends Error {
  readonly code: ProducerErrorCode;
  readonly retryable: boolean;

  constructor(code: ProducerErrorCode, message: string, retryable: boolean, cause?: unknown) {
    super(`${code}: ${message}`, { cause });
    this.name = 'CallEventProducerError';
    this.code = code;
    this.retryable = retryable;
  }
}

const WRAPPERS = ['KafkaJSNumberOfRetriesExceeded', 'KafkaJSNonRetriableError'];
const WRAPPERS_DEEP_MAX = 8;

/** What these mean is that the producer's session with the broker is over; the next send begins another. */
const SESSION_OVER = [
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'DUPLICATE_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
];

/** Any value thrown by a send to `topic` as one of ours. kafkajs hides in wrappers whether another attempt makes sense. */
export function producerError(thrown: unknown, topic: string): CallEventProducerError {
  if (thrown instanceof CallEventProducerError) return thrown;
  const refusal = refusedLogin(thrown);
  if (refusal !== undefined) {
    return new CallEventProducerError(
      'PRODUCER_REFUSED',
      `Kafka refused the login: ${refusal}; see \`sasl\``,
      false,
      thrown,
    );
  }
  let root = thrown as {
    name?: string;
    message?: string;
    type?: string;
    retriable?: boolean;
    cause?: unknown;
  };
  for (let depth = 0; depth < WRAPPERS_DEEP_MAX; depth++) {
    if (!WRAPPERS.includes(root?.name ?? '') || !(root.cause instanceof Error)) break;
    root = root.cause as typeof root;
  }
  const why = root?.message ?? String(thrown);
  const retryable = SESSION_OVER.includes(root?.type ?? '') || root?.retriable === true;
  return retryable
    ? new CallEventProducerError(
        'PRODUCER_UNAVAILABLE',
        `${topic} could not take the event: ${why}`,
        true,
        thrown,
      )
    : new CallEventProducerError('PRODUCER_REFUSED', `${topic} refused the event: ${why}`, false, thrown);
}
