import { isUtf8 } from 'node:buffer';
import { type Opened, openCallEvent, parseCallEvent } from '@calltally/contract';
import { IntakeError } from '../intake-error.ts';

export const EVENTS_MAX = 1_000;

/** Media types of a body that is one JSON value: an event, or an array of events. */
export const JSON_TYPES = [
  'application/json',
  'application/cloudevents+json',
  'application/cloudevents-batch+json',
] as const;
/** Media types of a body with an event on each line. */
export const LINES_TYPES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl'] as const;

const LINE_FEED = 0x0a;

/**
 * The events of a body, not checked yet. CloudEvents are opened, alone or in a batch; in binary mode the body is the event
 * itself.
 * @throws IntakeError BAD_REQUEST if the body as a whole cannot be read, or has no event or too many
 */
export function eventsOfBody(body: unknown, contentType: string | undefined): Opened[] {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const isLines = (LINES_TYPES as readonly string[]).includes(type);
  if (!isLines && !(JSON_TYPES as readonly string[]).includes(type)) {
    const message = `The content type is none that is read here. Send ${JSON_TYPES[0]}, or ${LINES_TYPES[0]} with an event on each line.`;
    throw new IntakeError('BAD_REQUEST', { status: 415, message });
  }
  const bytes = body as Buffer | undefined;
  const events = bytes === undefined || bytes.length === 0 ? [] : isLines ? ofLines(bytes) : ofJson(bytes);
  if (events.length === 0) {
    throw new IntakeError('BAD_REQUEST', { message: 'The request has no event. Send at least one.' });
  }
  return events;
}

function ofJson(bytes: Buffer): Opened[] {
  let json: unknown;
  try {
    if (!isUtf8(bytes)) throw new SyntaxError();
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    const message = 'The body is not JSON in UTF-8. Send one event, or an array of events.';
    throw new IntakeError('BAD_REQUEST', { message });
  }
  if (!Array.isArray(json)) return [openCallEvent(json)];
  if (json.length > EVENTS_MAX) throw tooMany();
  return json.map(openCallEvent);
}

/** Blank lines are skipped. A line that is not JSON costs no other line. */
function ofLines(bytes: Buffer): Opened[] {
  const events: Opened[] = [];
  for (let from = 0; from < bytes.length; ) {
    const feed = bytes.indexOf(LINE_FEED, from);
    const end = feed === -1 ? bytes.length : feed;
    const line = bytes.subarray(from, end);
    from = end + 1;
    if (isBlank(line)) continue;
    if (events.length === EVENTS_MAX) throw tooMany();
    events.push(parseCallEvent(line));
  }
  return events;
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

function tooMany(): IntakeError {
  const message = `The request has more than ${EVENTS_MAX} events. Send them in several requests.`;
  return new IntakeError('BAD_REQUEST', { status: 413, message });
}
