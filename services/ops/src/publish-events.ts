import type { CallEvent, Rejection } from '@calltally/contract';
import { CallEventInvalidError, type CallEventProducer } from '@calltally/contract/producer';
import type { EventItem } from './event-items.ts';

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

/**
 * Publishes events in their order. Stops at the first event that Kafka does not acknowledge, or at `signal`, and waits for
 * events on their way.
 *
 * @param counts is updated, also when this throws
 * @throws CallEventProducerError of the first event that was not acknowledged, after all others are settled
 */
export async function publishEvents(
  items: AsyncIterable<EventItem>,
  producer: CallEventProducer,
  { onInvalid, onProgress }: PublishHooks,
  signal: AbortSignal,
  counts: Published,
): Promise<void> {
  let failure: unknown;
  let underWay = 0;
  let wake = () => {};
  /** Resolves when one of the events on their way is settled. A race of thousands of promises would cost more than sending. */
  const oneSettled = () => new Promise<void>((resolve) => (wake = resolve));

  const send = (line: number, event: CallEvent) => {
    underWay++;
    producer
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
        underWay--;
        wake();
        onProgress(counts);
      });
  };
  const invalid = (line: number, rejection: Rejection) => {
    counts.invalid++;
    onInvalid(line, rejection);
    onProgress(counts);
  };

  counts.complete = true;
  for await (const { line, event, rejection } of items) {
    if (rejection === undefined) send(line, event);
    else invalid(line, rejection);
    while (underWay >= UNDER_WAY_MAX) await oneSettled();
    if (failure !== undefined || signal.aborted) {
      counts.complete = false;
      break;
    }
  }
  await producer.flush();
  while (underWay > 0) await oneSettled();
  if (failure !== undefined) throw failure;
}
