import {
  type CallEvent,
  checkCallEvent,
  EVENT_SIZE_MAX_BYTES,
  parseCallEvent,
  type Rejection,
} from '@calltally/contract';
import { CallEventInvalidError, type CallEventProducer } from '@calltally/contract/producer';
import { linesOf } from './lines.ts';

export interface Published {
  /** Events that Kafka acknowledged. */
  published: number;
  /** Lines that would be rejected. */
  invalid: number;
  /** Events that Kafka did not acknowledge. It may have them nevertheless. */
  failed: number;
  /** Whether all lines were read. False after a failure or an abort. */
  complete: boolean;
}

export interface PublishHooks {
  onInvalid(line: number, rejection: Rejection): void;
  onProgress(progress: Published): void;
}

/** Events that are sent at the same time: enough to fill the producer's batches, and a bound for memory. */
const UNDER_WAY_MAX = 5_000;
const OPENING_BRACE = 0x7b;

/**
 * Publishes each line of NDJSON as a call event, in the order of the lines. Skips blank lines; of a CloudEvent it
 * publishes the data. Stops at the first event that Kafka does not acknowledge, or at `signal`, and waits for events on
 * their way.
 *
 * @param counts is updated, also when this throws
 * @throws CallEventProducerError of the first event that was not acknowledged, after all others are settled
 */
export async function publishEvents(
  chunks: AsyncIterable<Buffer>,
  producer: CallEventProducer,
  { onInvalid, onProgress }: PublishHooks,
  signal: AbortSignal,
  counts: Published,
): Promise<void> {
  let failure: unknown;
  const underWay = new Set<Promise<void>>();

  const send = (line: number, event: CallEvent) => {
    const sent: Promise<void> = producer
      .send(event)
      .then(
        () => {
          counts.published++;
        },
        (error) => {
          // The event was valid when it was read. It is not any more, because the clock was set back.
          if (error instanceof CallEventInvalidError) {
            counts.invalid++;
            const { code, field, message } = error;
            onInvalid(line, { code, message, ...(field !== undefined && { field }) });
          } else {
            counts.failed++;
            failure ??= error;
          }
        },
      )
      .finally(() => {
        underWay.delete(sent);
        onProgress(counts);
      });
    underWay.add(sent);
  };
  const invalid = (line: number, rejection: Rejection) => {
    counts.invalid++;
    onInvalid(line, rejection);
    onProgress(counts);
  };

  counts.complete = true;
  for await (const line of linesOf(chunks, EVENT_SIZE_MAX_BYTES)) {
    if (line.tooLong) {
      const message = `the line has more than ${EVENT_SIZE_MAX_BYTES} bytes; remove fields that are not in the contract`;
      invalid(line.number, { code: 'EVENT_TOO_LARGE', message });
    } else if (!isBlank(line.bytes)) {
      const opened = parseCallEvent(line.bytes);
      const { rejection } = opened.rejection
        ? opened
        : checkCallEvent(opened.event, Date.now(), opened.within);
      if (rejection === undefined) send(line.number, opened.event as CallEvent);
      else invalid(line.number, rejection);
    }
    while (underWay.size >= UNDER_WAY_MAX) await Promise.race(underWay);
    if (failure !== undefined || signal.aborted) {
      counts.complete = false;
      break;
    }
  }
  await producer.flush();
  await Promise.all(underWay);
  if (failure !== undefined) throw failure;
}

function isBlank(bytes: Buffer): boolean {
  return bytes[0] !== OPENING_BRACE && bytes.toString('latin1').trim() === '';
}
