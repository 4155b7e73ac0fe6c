import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { Deadline } from './deadline.ts';
import { TransportError } from './errors.ts';
import type { Dashboard } from './types.ts';

/** An event has a few hundred characters. */
const CHARACTERS_MAX = 100_000;

/** An event of the API's stream. docs/api.md explains each of them. */
export type ServerEvent =
  | { type: 'dashboard'; id: string; data: Dashboard }
  | { type: 'heartbeat'; asOf: string | undefined }
  | { type: 'reconnect' }
  | { type: 'end'; code: unknown; message: string }
  /** How long to wait before the next connection. */
  | { type: 'retry'; ms: number };

/** The events of a body, in order. The deadline is for each piece of data. @throws TransportError for what is no event */
export async function* serverEvents(
  body: ReadableStream<Uint8Array>,
  deadline: Deadline,
): AsyncGenerator<ServerEvent, void, undefined> {
  const found: ServerEvent[] = [];
  const parser = createParser({
    maxBufferSize: CHARACTERS_MAX,
    onEvent(message) {
      const event = eventOf(message);
      if (event !== undefined) found.push(event);
    },
    onRetry: (ms) => found.push({ type: 'retry', ms }),
    onError(error) {
      if (error.type === 'max-buffer-size-exceeded') throw malformed(error);
    },
  });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (;;) {
    deadline.restart();
    const { done, value } = await deadline.within(reader.read());
    // Whoever reads the events may take their time.
    deadline.suspend();
    if (done) return;
    parser.feed(decoder.decode(value, { stream: true }));
    yield* found.splice(0);
  }
}

/** Undefined for an event that this client does not know. */
function eventOf({ event, id, data: text }: EventSourceMessage): ServerEvent | undefined {
  const data = dataOf(text);
  switch (event) {
    case 'dashboard':
      return { type: 'dashboard', id: id ?? '', data: data as unknown as Dashboard };
    case 'heartbeat':
      return { type: 'heartbeat', asOf: typeof data.as_of === 'string' ? data.as_of : undefined };
    case 'reconnect':
      return { type: 'reconnect' };
    case 'end':
      return { type: 'end', code: data.code, message: String(data.message ?? 'The API ended the stream.') };
    default:
      return undefined;
  }
}

function dataOf(text: string): Record<string, unknown> {
  try {
    const data: unknown = JSON.parse(text);
    if (typeof data === 'object' && data !== null) return data as Record<string, unknown>;
  } catch (thrown) {
    throw malformed(thrown);
  }
  throw malformed(undefined);
}

function malformed(cause: unknown): TransportError {
  return new TransportError(
    'UNEXPECTED_ANSWER',
    'The stream has an event that is none of calltally.',
    false,
    {
      cause,
    },
  );
}
