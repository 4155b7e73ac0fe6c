import type { Test } from '@calltally/stack/testing';
import type { RunningApi } from '../support.ts';

/** Longer than the slow pace of reading and a heartbeat after it, on a machine that has other things to do. */
const WAIT_STEPS_MAX = 2_000;
const WAIT_STEP_MS = 20;

export interface SseEvent {
  event: string;
  id: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: it is judged by what is expected of it.
  data: any;
}

export interface OpenStream {
  status: number;
  headers: Headers;
  /** Every event that has come, in order. */
  events: SseEvent[];
  /** The data of every `dashboard` event. */
  readonly dashboards: SseEvent['data'][];
  /** Whether the server has ended it. */
  readonly isEnded: boolean;
  /** The body of an answer that is no stream. */
  body: Promise<SseEvent['data']>;
  /** Resolves when `judge` is content with what has come; fails where that takes too long. */
  when(judge: (stream: OpenStream) => boolean): Promise<void>;
  close(): void;
}

const listening = new WeakMap<object, Promise<string>>();

/** Where the API listens; it does from now on. */
export function addressOf({ app }: Pick<RunningApi, 'app'>): Promise<string> {
  const address = listening.get(app) ?? app.listen({ host: '127.0.0.1', port: 0 });
  listening.set(app, address);
  return address;
}

/** Opens `/analytics/stream` by a connection of its own. */
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

/** The events of a text, and what has come of the next one. */
export function eventsOf(text: string): { events: SseEvent[]; rest: string } {
  const blocks = text.split('\n\n');
  const rest = blocks.pop()!;
  return { events: blocks.flatMap(eventOf), rest };
}

/** As the standard has it, for one block of lines: an event without data is none. */
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

/** Figures without the end of the range, which moves on. */
export function figures({ date_range, ...rest }: SseEvent['data']): SseEvent['data'] {
  return { ...rest, start: date_range.start_date };
}

/** What an operator reads of streams at `/metrics`, of one label where that is given. */
export async function metricOf({ app }: Pick<RunningApi, 'app'>, name: string, label = ''): Promise<number> {
  const { body } = await app.inject('/metrics');
  const line = body.split('\n').find((text) => text.startsWith(`${name}{`) && text.includes(label));
  return Number(line?.split(' ').at(-1));
}
