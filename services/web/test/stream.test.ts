import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Test, test } from 'tap';
import type { Fault } from '../src/api.ts';
import { type Listener, listen, type Stream } from '../src/stream.ts';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** A server with one answer per request (the last one repeats), and what a listener was told. */
async function listening(t: Test, answers: Answer[], silenceMaxMs = 10_000) {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answers[Math.min(requests.length, answers.length) - 1]?.(response, request);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const told: [string, unknown][] = [];
  let tell = () => {};
  const take =
    (name: string) =>
    (value: unknown): void => {
      told.push([name, value]);
      tell();
    };
  const listener: Listener = {
    dashboard: take('dashboard'),
    heartbeat: take('heartbeat'),
    lost: take('lost'),
    ended: take('ended'),
  };
  const pauses: number[] = [];
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/analytics/stream`;
  const stream: Stream = listen(url, 'ct_key', listener, {
    silenceMaxMs,
    pauseMs(failures: number) {
      pauses.push(failures);
      return 1;
    },
  });
  t.teardown(() => {
    stream.stop();
    server.closeAllConnections();
    server.close();
  });
  return {
    requests,
    told,
    pauses,
    stream,
    /** Resolves when the listener has been told `name` for the `count`th time. */
    async until(name: string, count = 1) {
      while (told.filter(([one]) => one === name).length < count) {
        await new Promise<void>((resolve) => {
          tell = resolve;
        });
      }
    },
  };
}

const FIGURES = { total_calls: 3 };
const opened = (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/event-stream' });
const dashboard = (id: string) => `event: dashboard\nid: ${id}\ndata: ${JSON.stringify(FIGURES)}\n\n`;
const heartbeat = (asOf: string | null) => `event: heartbeat\ndata: ${JSON.stringify({ as_of: asOf })}\n\n`;

test('events are reported in order, however they are split', async (t) => {
  const text = `retry: 2000\n\n${dashboard('a')}${heartbeat('2026-03-28T12:00:00Z')}${heartbeat(null)}`;
  const { told, until, requests } = await listening(t, [
    async (response) => {
      opened(response);
      for (const piece of text.match(/.{1,7}/gs) ?? []) {
        response.write(piece);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  ]);
  await until('heartbeat', 2);
  t.same(told, [
    ['dashboard', FIGURES],
    ['heartbeat', '2026-03-28T12:00:00Z'],
    ['heartbeat', undefined],
  ]);
  t.equal(requests[0]?.headers.authorization, 'Bearer ct_key');
  t.equal(requests[0]?.headers['last-event-id'], undefined);
});

test('after a cut it reconnects with the last event id', async (t) => {
  const { until, requests, told, pauses } = await listening(t, [
    (response) => opened(response).end(dashboard('seen')),
    (response) => response.destroy(),
    (response) => opened(response).write(heartbeat(null)),
  ]);
  await until('heartbeat');
  t.same(
    told.map(([name]) => name),
    ['dashboard', 'lost', 'lost', 'heartbeat'],
  );
  t.same(
    requests.map(({ headers }) => headers['last-event-id']),
    [undefined, 'seen', 'seen'],
  );
  t.same(pauses, [1, 2], 'and ever more slowly while it does not succeed');
});

test('a stream at its maximum age is reopened at once, silently', async (t) => {
  const { until, requests, told, pauses } = await listening(t, [
    (response) => opened(response).end(`${dashboard('seen')}retry: 100\nevent: reconnect\ndata: {}\n\n`),
    (response) => opened(response).end(heartbeat(null)),
    (response) => opened(response).write(heartbeat('2026-03-28T12:00:00Z')),
  ]);
  await until('heartbeat', 2);
  t.same(
    told.map(([name]) => name),
    ['dashboard', 'heartbeat', 'lost', 'heartbeat'],
    'but for what is cut without a word',
  );
  t.equal(requests[1]?.headers['last-event-id'], 'seen');
  t.same(pauses, [1]);
});

test('a silent connection is given up', async (t) => {
  const { until, requests } = await listening(
    t,
    [
      (response) => opened(response).write(dashboard('a')),
      (response) => opened(response).write(heartbeat(null)),
    ],
    50,
  );
  await until('heartbeat');
  t.ok(requests.length >= 2);
});

test('a refused key, at once or later, ends it for good', async (t) => {
  const body = JSON.stringify({
    success: false,
    message: 'No such key.',
    error: { code: 'INVALID_API_KEY' },
  });
  const refused = await listening(t, [(response) => response.writeHead(401).end(body)]);
  await refused.until('ended');
  t.same(refused.told, [['ended', 'No such key.']]);

  const end = `event: end\ndata: ${JSON.stringify({ code: 'INVALID_API_KEY', message: 'Revoked.' })}\n\n`;
  const revoked = await listening(t, [(response) => opened(response).end(dashboard('a') + end)]);
  await revoked.until('ended');
  t.same(revoked.told.at(-1), ['ended', 'Revoked.']);
  t.equal(revoked.requests.length, 1);
});

test('Retry-After is respected, and retry() still tries at once', async (t) => {
  const { until, told, stream } = await listening(t, [
    (response) => response.writeHead(503, { 'retry-after': '3600' }).end('no JSON at all'),
    (response) => opened(response).write(heartbeat(null)),
  ]);
  await until('lost');
  const fault = told[0]?.[1] as Fault;
  t.equal(fault.kind, 'unavailable');
  t.equal(fault.retryAfterMs, 3_600_000);
  t.match(fault.message, '503');
  stream.retry();
  await until('heartbeat');
});
