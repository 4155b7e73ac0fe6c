import { type Test, test } from 'tap';
import { ApiError, createClient, isClientError, TransportError } from '../src/index.ts';
import { type Answer, html, refuse, serve, succeed } from './server.ts';

/** A client of a scripted server. */
async function clientOf(t: Test, answers: Answer[]) {
  const { baseUrl, requests } = await serve(t, ...answers);
  return { client: createClient({ baseUrl, apiKey: 'ct_key' }), requests };
}

/** What it rejects with. */
async function faultOf(promise: Promise<unknown>) {
  const thrown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!isClientError(thrown)) throw thrown ?? new Error('it did not reject');
  return thrown;
}

test('an answer has its data and what headers say, and the request what was asked', async (t) => {
  const headers = {
    'x-tally-as-of': '2026-03-28T12:00:00Z',
    'x-tally-source': 'mongo',
    'x-tally-cells': 'beyond',
    'x-request-id': 'r-1',
  };
  const { client, requests } = await clientOf(t, [
    succeed({ total_calls: 3 }, headers),
    succeed({ buckets: [] }),
  ]);
  t.same(await client.dashboard({ start_date: '2026-03-01T00:00:00+02:00', end_date: undefined }), {
    data: { total_calls: 3 },
    asOf: '2026-03-28T12:00:00Z',
    source: 'mongo',
    cells: 'beyond',
    requestId: 'r-1',
  });
  t.equal(requests[0]?.url, '/analytics/dashboard?start_date=2026-03-01T00%3A00%3A00%2B02%3A00');
  t.equal(requests[0]?.headers.authorization, 'Bearer ct_key');
  t.match(await client.timeseries({ interval: 'week' }), {
    data: { buckets: [] },
    asOf: undefined,
    cells: undefined,
  });
  t.equal(requests[1]?.url, '/analytics/timeseries?interval=week&format=json');
});

test('a list is sent value by value, and several dimensions as one', async (t) => {
  const { client, requests } = await clientOf(t, [succeed({ total_calls: 3 })]);
  await client.dashboard({ agent_id: ['a b', ''], status: [], direction: undefined });
  await client.timeseries({ status: ['failed'] });
  await client.breakdown({ by: 'agent' });
  await client.durations({ agent_id: ['a'] });
  await client.breakdown({ by: ['agent', 'status'], limit: 8, direction: ['inbound', 'web'], order: 'name' });
  t.same(
    requests.map(({ url }) => url),
    [
      '/analytics/dashboard?agent_id=a+b&agent_id=',
      '/analytics/timeseries?status=failed&format=json',
      '/analytics/breakdown?by=agent&format=json',
      '/analytics/durations?agent_id=a',
      '/analytics/breakdown?by=agent%2Cstatus&direction=inbound&direction=web&order=name&limit=8&format=json',
    ],
  );
});

test('a CSV comes with its file name', async (t) => {
  const csv: Answer = (response) =>
    response
      .writeHead(200, {
        'content-type': 'text/csv',
        'content-disposition': 'attachment; filename="calls.csv"',
      })
      .end('start,calls\r\n');
  const { client, requests } = await clientOf(t, [csv, csv, succeed({})]);
  t.match(await client.timeseriesCsv({ decimal: 'comma' }), {
    data: 'start,calls\r\n',
    fileName: 'calls.csv',
  });
  t.equal(requests[0]?.url, '/analytics/timeseries?decimal=comma&format=csv');
  t.match(await client.breakdownCsv({ by: 'status', separator: 'tab' }), {
    data: 'start,calls\r\n',
    fileName: 'calls.csv',
  });
  t.equal(requests[1]?.url, '/analytics/breakdown?by=status&separator=tab&format=csv');
  t.match(await faultOf(client.timeseriesCsv()), { code: 'UNEXPECTED_ANSWER' }, 'JSON is no CSV');
});

test('an error of the API is asked about once, unless the API says that a retry helps', async (t) => {
  for (const [status, code] of [
    [400, 'INVALID_DATE'],
    [401, 'INVALID_API_KEY'],
    [500, 'INTERNAL_ERROR'],
  ] as const) {
    const { client, requests } = await clientOf(t, [refuse(status, code, { 'x-request-id': 'r-2' })]);
    const fault = await faultOf(client.dashboard());
    t.ok(fault instanceof ApiError);
    t.match(fault, { code, status, message: `It is ${code}.`, requestId: 'r-2', retryable: false });
    t.equal(requests.length, 1, code);
  }
  const { client, requests } = await clientOf(t, [
    refuse(429, 'RATE_LIMITED', { 'retry-after': '0' }),
    refuse(503, 'UNAVAILABLE', { 'retry-after': '0' }),
    succeed({ total_calls: 3 }),
  ]);
  t.equal((await client.dashboard()).data.total_calls, 3);
  t.equal(requests.length, 3);
});

test('it gives up after its retries, and at once if it is asked to wait for long', async (t) => {
  const away = await clientOf(t, [refuse(503, 'OVERLOADED', { 'retry-after': '0' })]);
  t.match(await faultOf(away.client.dashboard()), { code: 'OVERLOADED', retryable: true, retryAfterMs: 0 });
  t.equal(away.requests.length, 3);
  const later = await clientOf(t, [refuse(503, 'OVERLOADED', { 'retry-after': '3600' })]);
  t.match(await faultOf(later.client.dashboard()), { retryable: true, retryAfterMs: 3_600_000 });
  t.equal(later.requests.length, 1);
  const date = new Date(Date.now() + 3_600_000).toUTCString();
  const dated = await clientOf(t, [refuse(503, 'OVERLOADED', { 'retry-after': date })]);
  const { retryAfterMs = 0 } = await faultOf(dated.client.dashboard());
  t.ok(retryAfterMs > 3_500_000 && retryAfterMs <= 3_600_000, 'a date is read, too');
});

test("a proxy's page is told as what it is, and only a gateway's is tried again", async (t) => {
  const gateway = await clientOf(t, [html(502), succeed({ total_calls: 3 })]);
  t.equal((await gateway.client.dashboard()).data.total_calls, 3);
  const another: Answer = (response) => response.writeHead(200).end('{"data":{}}');
  for (const answer of [
    another,
    html(200),
    html(404),
    html(500),
    succeed(undefined),
    refuse(404, 'NOT_FOUND'),
  ]) {
    const { client, requests } = await clientOf(t, [answer]);
    const fault = await faultOf(client.dashboard());
    t.ok(fault instanceof TransportError);
    t.match(fault, { code: 'UNEXPECTED_ANSWER', retryable: false, message: /Check baseUrl/ });
    t.equal(requests.length, 1);
  }
});

test('a connection that breaks, also within an answer, is tried again', async (t) => {
  const { client, requests } = await clientOf(t, [
    (response) => response.destroy(),
    (response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"success"');
      setImmediate(() => response.destroy());
    },
    succeed({ total_calls: 3 }),
  ]);
  t.equal((await client.dashboard()).data.total_calls, 3);
  t.equal(requests.length, 3);
  const nowhere = createClient({ baseUrl: 'http://127.0.0.1:9', apiKey: 'ct_key', retriesMax: 0 });
  t.match(await faultOf(nowhere.dashboard()), { code: 'NETWORK_ERROR', status: undefined, retryable: true });
});

test('an answer that takes too long, also one that has begun, is a time-out', async (t) => {
  for (const answer of [() => {}, (response) => response.writeHead(200).write('{"success"')] as Answer[]) {
    const { baseUrl } = await serve(t, answer);
    let asked = 0;
    const counted = (url: string, init: RequestInit) => {
      asked += 1;
      return fetch(url, init);
    };
    const client = createClient({ baseUrl, apiKey: 'ct_key', fetch: counted, timeoutMs: 50, retriesMax: 1 });
    t.match(await faultOf(client.dashboard()), { code: 'TIMEOUT', retryable: true });
    t.equal(asked, 2);
  }
});

test('an abort rejects with its reason: before, during a request, and during a pause', async (t) => {
  const reason = new Error('no longer needed');
  const before = await clientOf(t, [succeed({})]);
  await t.rejects(before.client.dashboard({}, { signal: AbortSignal.abort(reason) }), reason);
  t.equal(before.requests.length, 0);
  for (const answer of [() => {}, refuse(503, 'UNAVAILABLE', { 'retry-after': '4' })] as Answer[]) {
    const leaving = new AbortController();
    const { client } = await clientOf(t, [answer]);
    setTimeout(() => leaving.abort(reason), 100);
    const answered = client.dashboard({}, { signal: leaving.signal });
    await t.rejects(answered, reason);
  }
});

test('a token is asked for each request, and once more after a 401', async (t) => {
  const { baseUrl, requests } = await serve(
    t,
    refuse(401, 'INVALID_API_KEY'),
    succeed({ total_calls: 3 }),
    refuse(401, 'INVALID_API_KEY'),
  );
  let asked = 0;
  const client = createClient({ baseUrl, token: async () => `token-${++asked}` });
  t.equal((await client.dashboard()).data.total_calls, 3);
  t.match(await faultOf(client.dashboard()), { code: 'INVALID_API_KEY' }, 'then it fails');
  t.same(
    requests.map(({ headers }) => headers.authorization),
    [1, 2, 3, 4].map((n) => `Bearer token-${n}`),
  );
  const cached = createClient({ baseUrl, token: () => 'the-same' });
  await faultOf(cached.dashboard());
  t.equal(requests.length, 5, 'a refused token is not sent again');
});

test('a token that cannot be had is told, without a request and without the token', async (t) => {
  const { baseUrl, requests } = await serve(t, succeed({}));
  const ofToken = (token: () => string | Promise<string>) =>
    faultOf(createClient({ baseUrl, token, timeoutMs: 50, retriesMax: 1 }).dashboard());
  const cause = new Error('login is away');
  t.match(await ofToken(() => Promise.reject(cause)), { code: 'TOKEN_UNAVAILABLE', retryable: true, cause });
  const odd = await ofToken(() => 'secret\nvalue');
  t.match(odd, { code: 'TOKEN_UNAVAILABLE', retryable: false });
  t.notMatch(odd.message, 'secret');
  t.match(await ofToken(() => new Promise(() => {})), { code: 'TIMEOUT' });
  t.equal(requests.length, 0);
});

test('an option that cannot be used is refused at once, with its name and the remedy', async (t) => {
  const baseUrl = 'https://calls.example.com/under/';
  const refused = (options: object, message: RegExp) =>
    t.throws(() => createClient({ baseUrl, apiKey: 'ct_key', ...options } as never), {
      name: 'TypeError',
      message,
    });
  refused({ baseUrl: '/api' }, /baseUrl "\/api" is no address/);
  refused({ baseUrl: 'ftp://calls.example.com' }, /baseUrl .* http/);
  refused({ baseUrl: 'https://me:secret@calls.example.com' }, /baseUrl has a login/);
  refused({ apiKey: undefined }, /either apiKey or token/);
  refused({ token: 'x' }, /either apiKey or token/);
  refused({ apiKey: 'ct_key\n' }, /apiKey is empty or has a character/);
  refused({ timeoutMs: 0 }, /timeoutMs is 0/);
  refused({ retriesMax: 1.5 }, /retriesMax is 1.5/);
  const urls: string[] = [];
  const fetch = async (url: string) => {
    urls.push(url);
    return new Response('{"success":true,"data":{}}');
  };
  await createClient({ baseUrl, apiKey: 'ct_key', fetch }).dashboard();
  t.same(urls, ['https://calls.example.com/under/analytics/dashboard'], 'a path before the API is kept');
});
