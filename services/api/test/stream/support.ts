import type { Test } from '@calltally/stack/testing';
import type { RunningApi } from '../support.ts';

/** Longer than the slow reading pace and the next heartbeat, on a busy machine. */
const WAIT_STEPS_MAX = 2_000;
const WAIT_STEP_MS = 20;

export interface SseEvent {
  event: string;
  id: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: tests compare it with what they expect.
  data: any;
}

export interface OpenStream {
  status: number;
  headers: Headers;
  /** All received events, in order. */
  events: SseEvent[];
  /** The data of every `dashboard` event. */
  readonly dashboards: SseEvent['data'][];
  /** Whether the server has ended it. */
  readonly isEnded: boolean;
  /** The body, if the answer is not a stream. */
  body: Promise<SseEvent['data']>;
  /** Resolves when `judge` accepts the stream; fails after a time limit. */
  when(judge: (stream: OpenStream) => boolean): Promise<void>;
  close(): void;
}

const listening = new WeakMap<object, Promise<string>>();

/** The API's address; makes it listen first. */
export function addressOf({ app }: Pick<RunningApi, 'app'>): Promise<string> {
  const address = listening.get(app) ?? app.listen({ host: '127.0.0.1', port: 0 });
  listening.set(app, address);
  return address;
}

/** Opens `/analytics/stream` on its own connection. */
export async function listen(
  t: Test,
  api: Pick<RunningApi, 'app'>,
  key: string | undefined,
  options: { query?: string; lastEventId?: string; method?: string } = {},
): Promise<OpenStream> {
  const { query = '', lastEventId, method = 'GET' } = options;
  const leaving = new AbortController();
  t.teardown(() => leaving.abort());
  const response = await fetch(`${await addressOf(api)}/analytics/stream?${query}`, {
    method,
    signal: leaving.signal,
    headers: {
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    },
  });
  let isEnded = false;
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  const stream: OpenStream = {
    status: response.status,
    headers: response.headers,
    events: [],
    body: isStream ? Promise.resolve(undefined) : response.json(),
    get dashboards() {
      return stream.events.filter(({ event }) => event === 'dashboard').map(({ data }) => data);
    },
    get isEnded() {
      return isEnded;
    },
    async when(judge) {
      for (let step = 0; step < WAIT_STEPS_MAX && !judge(stream); step++) {
        await new Promise((resolve) => setTimeout(resolve, WAIT_STEP_MS));
      }
      if (!judge(stream)) throw new Error(`not in time; there came ${JSON.stringify(stream.events)}`);
    },
    close: () => leaving.abort(),
  };
  if (isStream && response.body !== null) {
    readEvents(response.body, stream.events)
      .catch(() => {})
      .finally(() => {
        isEnded = true;
      });
  }
  return stream;
}

async function readEvents(body: AsyncIterable<Uint8Array>, events: SseEvent[]): Promise<void> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    const found = eventsOf(text + decoder.decode(chunk, { stream: true }));
    events.push(...found.events);
    text = found.rest;
  }
}

/** The complete events of a text, and the rest. */
export function eventsOf(text: string): { events: SseEvent[]; rest: string } {
  const blocks = text.split('\n\n');
  const rest = blocks.pop()!;
  return { events: blocks.flatMap(eventOf), rest };
}

/** Parses one block of lines by the standard. An event without data is ignored. */
function eventOf(block: string): SseEvent[] {
  const fields = new Map<string, string[]>();
  for (const line of block.split(/\r\n|\r|\n/)) {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    fields.set(name, [...(fields.get(name) ?? []), value]);
  }
  const data = fields.get('data')?.join('\n');
  if (data === undefined) return [];
  return [
    { event: fields.get('event')?.at(-1) ?? 'message', id: fields.get('id')?.at(-1), data: JSON.parse(data) },
  ];
}

/** Figures without the end of the range, which moves. */
export function figures({ date_range, ...rest }: SseEvent['data']): SseEvent['data'] {
  return { ...rest, start: date_range.start_date };
}

/** A metric of `/metrics`, optionally with a label. */
export async function metricOf({ app }: Pick<RunningApi, 'app'>, name: string, label = ''): Promise<number> {
  const { body } = await app.inject('/metrics');
  const line = body.split('\n').find((text) => text.startsWith(`${name}{`) && text.includes(label));
  return Number(line?.split(' ').at(-1));
}
