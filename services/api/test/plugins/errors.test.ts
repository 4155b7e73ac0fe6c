import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { ApiKeyCache } from '@calltally/http';
import { createLogger, createMetrics } from '@calltally/telemetry';
import { test } from 'tap';
import { ERRORS, type ErrorCode } from '../../src/api-error.ts';
import { buildApp } from '../../src/app.ts';

/** An app whose parts all fail unexpectedly, and its log. */
async function brokenApp() {
  const lines: string[] = [];
  const broken = () =>
    Promise.reject(new TypeError('cannot read 127.0.0.1:27017 of ct_0123456789012345678901'));
  const app = await buildApp({
    reader: { read: broken },
    series: { read: broken },
    cells: { breakdown: broken, dashboard: broken, series: broken },
    durations: { read: broken },
    keys: new ApiKeyCache({ findByHash: broken }),
    store: { ping: broken },
    link: { current: undefined, reach: undefined, remembered: undefined },
    filler: { pieces: 0, rows: 0, queue: undefined },
    fallbacks: { underWay: 0, refused: 0 },
    rowsAsOf: { current: undefined },
    logger: createLogger({
      service: 'api',
      level: 'info',
      destination: { write: (line) => void lines.push(line) },
    }),
    metrics: createMetrics('api'),
  });
  return { app, lines };
}

test('every error has the same shape and a documented code', async (t) => {
  const { app } = await brokenApp();
  t.teardown(() => app.close());
  const cases: [method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS', url: string, code: ErrorCode][] = [
    ['POST', '/', 'METHOD_NOT_ALLOWED'],
    ['GET', '/analytics', 'NOT_FOUND'],
    ['GET', '/analytics/dashboard/', 'NOT_FOUND'],
    ['POST', '/nothing', 'NOT_FOUND'],
    ['POST', '/analytics/dashboard', 'METHOD_NOT_ALLOWED'],
    ['PUT', '/analytics/dashboard?start_date=2026-03-01', 'METHOD_NOT_ALLOWED'],
    ['DELETE', '/readyz', 'METHOD_NOT_ALLOWED'],
    ['OPTIONS', '/metrics', 'METHOD_NOT_ALLOWED'],
    ['GET', '/%zz', 'BAD_REQUEST'],
    ['GET', '/analytics/%c0%af', 'BAD_REQUEST'],
    ['GET', '/analytics/dashboard', 'MISSING_API_KEY'],
    ['GET', '/analytics/timeseries', 'MISSING_API_KEY'],
    ['GET', '/analytics/durations', 'MISSING_API_KEY'],
  ];
  for (const [method, url, code] of cases) {
    const response = await app.inject({ method, url });
    const what = `${method} ${url}`;
    t.equal(response.statusCode, ERRORS[code].status, what);
    const body = response.json();
    t.strictSame(Object.keys(body), ['success', 'message', 'error'], what);
    t.strictSame([body.success, typeof body.message, body.error], [false, 'string', { code }], what);
    t.match(response.headers['content-type'], /^application\/json/, what);
    t.equal(response.headers['cache-control'], 'private, no-store', what);
    if (code === 'METHOD_NOT_ALLOWED') t.equal(response.headers.allow, 'GET, HEAD', what);
  }
});

test('a body of whatever type and size changes nothing', async (t) => {
  const { app } = await brokenApp();
  t.teardown(() => app.close());
  for (const type of [
    'application/json',
    'text/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
  ]) {
    const headers = { 'content-type': type };
    const response = await app.inject({
      method: 'POST',
      url: '/analytics/dashboard',
      headers,
      payload: '{'.repeat(100_000),
    });
    t.equal(response.json().success, false, type);
    t.ok(response.statusCode >= 400 && response.statusCode < 500, type);
  }
});

test('an unexpected error is a 500 without detail, logged without stack, address or key', async (t) => {
  const { app, lines } = await brokenApp();
  t.teardown(() => app.close());
  app.log.info('before');
  // The client's address, which is logged, differs from the store's.
  const remoteAddress = '192.0.2.1';
  const response = await app.inject({ url: '/metrics', remoteAddress, headers: { 'x-request-id': 'r-1' } });
  t.equal(response.statusCode, 200);
  const broken = await buildBrokenRoute();
  t.teardown(() => broken.app.close());
  const failed = await broken.app.inject({
    url: '/broken',
    remoteAddress,
    headers: { 'x-request-id': 'r-2' },
  });
  t.equal(failed.statusCode, 500);
  t.same(failed.json().error, { code: 'INTERNAL_ERROR' });
  const said = failed.body + broken.lines.join('') + lines.join('');
  t.notMatch(said, /127\.0\.0\.1|0123456789/);
  const fault = JSON.parse(broken.lines.find((line) => line.includes('request failed')) ?? '{}');
  t.match(fault, { level: 'error', request_id: 'r-2', fault: { type: 'TypeError', at: /errors\.test\.ts/ } });
  t.notMatch(JSON.stringify(fault), /\\n/);
});

async function buildBrokenRoute() {
  const built = await brokenApp();
  built.app.get('/broken', async () => {
    throw new TypeError('cannot read 127.0.0.1:27017 of ct_0123456789012345678901');
  });
  return built;
}

function request(method: string, target: string, headers = ''): string {
  return `${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`;
}

function manyHeaders(count: number): string {
  return 'a: b\r\n'.repeat(count);
}

test('as many headers as Node reads are read', async (t) => {
  const { app } = await brokenApp();
  t.teardown(() => app.close());
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  // The last one beside `Host` and `Connection`.
  socket.write(request('GET', '/healthz', manyHeaders(1_998)));
  const [reply] = await once(socket, 'data');
  t.match(String(reply), /^HTTP\/1\.1 200 /);
});

test('malformed requests are answered in the same shape', async (t) => {
  const { app } = await brokenApp();
  t.teardown(() => app.close());
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const cases: [bytes: string, status: number][] = [
    ['GARBAGE\r\n\r\n', 400],
    ['GET / HTTP/9.9\r\nHost: x\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    [request('GET', '*'), 400],
    [request('HEAD', '*'), 400],
    [request('GET', '*?start_date=2026-03-01'), 400],
    [request('OPTIONS', '*'), 400],
    [request('GET', '/analytics/dashboard', manyHeaders(2_100)), 431],
    [request('GET', '/healthz', manyHeaders(2_100)), 431],
    [request('GET', '/', manyHeaders(2_000)), 431],
    [request('GET', '/nothing', manyHeaders(2_100)), 431],
    [request('QUERY', '/analytics/dashboard'), 405],
    [
      request('QUERY', '/analytics/dashboard', 'Content-Type: application/json\r\nContent-Length: 0\r\n'),
      405,
    ],
    [request('QUERY', '/nothing'), 404],
    [request('PROPFIND', '/'), 405],
    [request('TRACE', '/healthz'), 405],
    [request('FOO', '/analytics/dashboard'), 405],
    [request('get', '/analytics/dashboard'), 405],
    [request('CONNECT', 'example:443'), 405],
    [request('F(O', '/analytics/dashboard'), 400],
  ];
  for (const [bytes, status] of cases) {
    const socket = connect(address.port, '127.0.0.1');
    let reply = '';
    socket.on('data', (chunk) => {
      reply += chunk;
    });
    socket.on('error', () => {});
    socket.write(bytes);
    await once(socket, 'close');
    const [head, body] = reply.split('\r\n\r\n');
    const what = bytes.slice(0, 50);
    t.match(head, `HTTP/1.1 ${status} `, what);
    t.match(head, /content-type: application\/json/i, what);
    if (status === 405) t.match(head, /^allow: GET, HEAD\r?$/im, what);
    if (bytes.startsWith('HEAD')) continue;
    const code = { 404: 'NOT_FOUND', 405: 'METHOD_NOT_ALLOWED' }[status] ?? 'BAD_REQUEST';
    t.match(JSON.parse(body ?? '{}'), { success: false, error: { code } }, what);
  }
});
