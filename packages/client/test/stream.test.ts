import { type Test, test } from 'tap';
import { type Credential, createClient, type StreamEvent } from '../src/index.ts';
import { DashboardStream } from '../src/stream.ts';
import { Transport } from '../src/transport.ts';
import {
  type Answer,
  cut,
  dashboard,
  event,
  heartbeat,
  html,
  refuse,
  type ScriptedServer,
  serve,
  stream as streams,
} from './server.ts';

/** The events of a stream until `judge` accepts the last one; pauses are ended at once. */
async function read(
  events: DashboardStream,
  judge: (event: StreamEvent, count: number) => boolean,
): Promise<StreamEvent[]> {
  const found: StreamEvent[] = [];
  for await (const one of events) {
    found.push(one);
    if (judge(one, found.length)) break;
    if (one.type === 'disconnected') events.retryNow();
  }
  return found;
}

const isHeartbeat = ({ type }: StreamEvent) => type === 'heartbeat';
const typesOf = (events: StreamEvent[]) => events.map(({ type }) => type);
const lastIds = ({ requests }: ScriptedServer) => requests.map(({ headers }) => headers['last-event-id']);

async function opened(t: Test, answers: Answer[], credential: Credential = { apiKey: 'ct_key' }) {
  const server = await serve(t, ...answers);
  const leaving = new AbortController();
  t.teardown(() => leaving.abort());
  const client = createClient({ baseUrl: server.baseUrl, ...credential });
  return { server, leaving, events: client.stream({ start_date: '2026-03-01' }, { signal: leaving.signal }) };
}

test('events come in order, however they are split', async (t) => {
  const text = `retry: 2000\n\n${dashboard('a')}${event('news', {})}${event('heartbeat', { as_of: null })}${heartbeat}`;
  const { events, server } = await opened(t, [
    async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const piece of text.match(/.{1,7}/gs) ?? []) {
        response.write(piece);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  ]);
  t.same(await read(events, (_, count) => count === 3), [
    { type: 'dashboard', data: { total_calls: 1 } },
    { type: 'heartbeat', asOf: undefined },
    { type: 'heartbeat', asOf: '2026-03-28T12:00:00Z' },
  ]);
  t.match(server.requests[0], {
    url: '/analytics/stream?start_date=2026-03-01',
    headers: { authorization: 'Bearer ct_key', accept: 'text/event-stream', 'last-event-id': undefined },
  });
});

test('after a cut it says so, connects with its last id, and repeats no figures', async (t) => {
  const { events, server } = await opened(t, [
    cut(dashboard('seen')),
    (response) => response.destroy(),
    // A proxy has dropped Last-Event-ID, so the same figures come again.
    streams(dashboard('seen'), dashboard('new'), heartbeat),
  ]);
  const found = await read(events, isHeartbeat);
  t.same(typesOf(found), ['dashboard', 'disconnected', 'disconnected', 'dashboard', 'heartbeat']);
  t.match(found[1], { error: { code: 'NETWORK_ERROR' } });
  t.same(lastIds(server), [undefined, 'seen', 'seen']);
});

test('a pause is as long as the API asks, and doubles while nothing gets better', async (t) => {
  const { events } = await opened(t, [
    cut(`retry: 100\n\n${heartbeat}`),
    html(502),
    refuse(429, 'TOO_MANY_STREAMS', { 'retry-after': '5' }),
    cut(`retry: 100\n\n${heartbeat}`),
    streams(dashboard('a')),
  ]);
  const found = await read(events, ({ type }) => type === 'dashboard');
  const pauses = found.flatMap((one) => (one.type === 'disconnected' ? [one.retryInMs] : []));
  for (const [i, leastMs] of [100, 4_000, 8_000, 800].entries()) {
    t.ok(pauses[i]! >= leastMs && pauses[i]! <= 2 * leastMs, `${pauses[i]} ms after failure ${i + 1}`);
  }
  t.equal(pauses.length, 4);
});

test('a stream that reached its age is reopened at once, silently', async (t) => {
  const { events, server } = await opened(t, [
    cut(dashboard('seen'), 'retry: 100\n', event('reconnect', {})),
    streams(heartbeat),
  ]);
  t.same(typesOf(await read(events, isHeartbeat)), ['dashboard', 'heartbeat']);
  t.same(lastIds(server), [undefined, 'seen']);
});

test('a server that asks to reconnect again and again is not asked ever faster', async (t) => {
  let requests = 0;
  let enough = () => {};
  const fifth = new Promise<void>((resolve) => {
    enough = resolve;
  });
  const { events, leaving } = await opened(t, [
    (response, request) => {
      cut('retry: 100\n', event('reconnect', {}))(response, request);
      requests += 1;
      if (requests === 5) enough();
    },
  ]);
  const begunMs = performance.now();
  const reading = read(events, () => false);
  await fifth;
  // At once, after 100 ms, 200, 400: so many requests at most, however fast the machine is.
  const most = 3 + Math.log2((performance.now() - begunMs) / 100 + 1);
  t.ok(requests <= most, `${requests} requests, ${most} at most`);
  leaving.abort();
  t.same(await reading, []);
});

test('an error that a retry does not mend ends it, before and within a stream', async (t) => {
  const end = event('end', { code: 'INVALID_API_KEY', message: 'Revoked.' });
  for (const [answers, code, requests] of [
    [[refuse(401, 'INVALID_API_KEY')], 'INVALID_API_KEY', 1],
    [[refuse(400, 'START_AFTER_END')], 'START_AFTER_END', 1],
    [[html(200)], 'UNEXPECTED_ANSWER', 1],
    [[streams(dashboard('a'), end)], 'INVALID_API_KEY', 1],
    [[streams('event: dashboard\ndata: <h1>\n\n')], 'UNEXPECTED_ANSWER', 1],
    [[streams('x'.repeat(200_000))], 'UNEXPECTED_ANSWER', 1],
  ] as const) {
    const { events, server } = await opened(t, [...answers]);
    await t.rejects(
      read(events, () => false),
      { code, retryable: false },
    );
    t.equal(server.requests.length, requests);
  }
});

test('an expired token is replaced within a stream; if the next one is refused, the stream ends', async (t) => {
  let asked = 0;
  const token = () => `token-${++asked}`;
  const end = event('end', { code: 'INVALID_API_KEY', message: 'Expired.' });
  const { events, server } = await opened(
    t,
    [cut(dashboard('a'), end), cut(heartbeat, end), refuse(401, 'INVALID_API_KEY')],
    { token },
  );
  const found: StreamEvent[] = [];
  await t.rejects(
    read(events, (one) => {
      found.push(one);
      return false;
    }),
    { code: 'INVALID_API_KEY' },
  );
  t.same(typesOf(found), ['dashboard', 'heartbeat']);
  t.same(
    server.requests.map(({ headers }) => headers.authorization),
    [1, 2, 3, 4].map((n) => `Bearer token-${n}`),
  );
});

test('a silent connection is given up; a reader may take any time', async (t) => {
  const server = await serve(
    t,
    (response, request) => {
      streams(heartbeat)(response, request);
      setTimeout(() => response.write(dashboard('a')), 750);
    },
    streams(dashboard('b')),
  );
  const transport = new Transport({
    baseUrl: `${server.baseUrl}/`,
    credential: 'ct_key',
    fetch,
    timeoutMs: 1_000,
    retriesMax: 0,
  });
  const events = new DashboardStream({
    transport,
    query: {},
    signal: undefined,
    canRenew: false,
    silenceMaxMs: 600,
  });
  const found: StreamEvent[] = [];
  for await (const one of events) {
    found.push(one);
    if (found.length === 4) break;
    if (one.type === 'disconnected') events.retryNow();
    // Longer than a silence, in which the next event comes.
    if (found.length === 1) await new Promise((resolve) => setTimeout(resolve, 900));
  }
  t.match(found, [
    { type: 'heartbeat' },
    { type: 'dashboard' },
    { type: 'disconnected', error: { code: 'TIMEOUT' } },
    { type: 'dashboard' },
  ]);
});

test('an abort ends the loop without an error, also in a pause, and leaving the loop closes the connection', async (t) => {
  const waiting = await opened(t, [refuse(503, 'UNAVAILABLE', { 'retry-after': '3600' })]);
  for await (const { type } of waiting.events) {
    t.equal(type, 'disconnected');
    setImmediate(() => waiting.leaving.abort());
  }
  const open = await opened(t, [streams(dashboard('a'))]);
  for await (const { type } of open.events) {
    t.equal(type, 'dashboard');
    setImmediate(() => open.leaving.abort());
  }
  let closed = () => {};
  const isClosed = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const left = await opened(t, [
    (response, request) => {
      response.once('close', closed);
      streams(dashboard('a'))(response, request);
    },
  ]);
  for await (const _ of left.events) break;
  await isClosed;
});
