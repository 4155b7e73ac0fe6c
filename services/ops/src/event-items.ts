import {
  type CallEvent,
  checkCallEvent,
  EVENT_SIZE_MAX_BYTES,
  parseCallEvent,
  type Rejection,
} from '@calltally/contract';
import { linesOf } from './lines.ts';

/** What a line of a file says: an event that ingest would count, or why there is none. */
export type EventItem =
  | { line: number; event: CallEvent; rejection?: never }
  | { line: number; rejection: Rejection; event?: never };

const OPENING_BRACE = 0x7b;

/** Reads NDJSON of call events; of a CloudEvent, its data. Skips blank lines. */
export async function* eventItems(chunks: AsyncIterable<Buffer>): AsyncGenerator<EventItem> {
  for await (const line of linesOf(chunks, EVENT_SIZE_MAX_BYTES)) {
    if (line.tooLong) {
      const message = `the line has more than ${EVENT_SIZE_MAX_BYTES} bytes; remove fields that are not in the contract`;
      yield { line: line.number, rejection: { code: 'EVENT_TOO_LARGE', message } };
    } else if (!isBlank(line.bytes)) {
      const opened = parseCallEvent(line.bytes);
      yield opened.rejection === undefined
        ? checkedItem(line.number, opened.event, opened.within)
        : { line: line.number, rejection: opened.rejection };
    }
  }
}

/** @param within prefix of field names in a rejection */
export function checkedItem(line: number, event: unknown, within = ''): EventItem {
  const { rejection } = checkCallEvent(event, Date.now(), within);
  return rejection === undefined ? { line, event: event as CallEvent } : { line, rejection };
}

export function isBlank(bytes: Buffer): boolean {
  return bytes[0] !== OPENING_BRACE && bytes.toString('latin1').trim() === '';
}
