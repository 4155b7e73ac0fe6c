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
  /** Lines that are no event that would be counted. */
  invalid: number;
  /** Events that Kafka did not acknowledge, which does not say that it does not have them. */
  failed: number;
  /** Whether every line was read. False after a failure, or when asked to stop. */
  complete: boolean;
}

export interface PublishHooks {
  onInvalid(line: number, rejection: Rejection): void;
  onProgress(progress: Published): void;
}

/** Events on their way at once: fills the producer's batches, and bounds what is held. */
const UNDER_WAY_MAX = 5_000;
const OPENING_BRACE = 0x7b;

/**
 * Publishes each line of NDJSON as a call event, in the order of the lines; blank lines are skipped, and of a CloudEvent
 * its data is published. Stops at the
 * first event that Kafka does not take and at `signal`, and waits for what is on its way.
 *
 * @throws CallEventProducerError of the first event that was not acknowledged, when the rest is settled; `counts`
 *   tells what became of them
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
          // What was valid when it was read may no longer be, but only by a clock that was set back.
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
      const message = `the line has more than ${EVENT_SIZE_MAX_BYTES} bytes; leave out what is not of the contract`;
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
