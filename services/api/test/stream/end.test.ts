import { once } from 'node:events';
import { connect } from 'node:net';
import { CounterSession } from '@calltally/counters';
import { Drain } from '@calltally/http';
import { type Test, test } from 'tap';
import { callsAt, NOW_MS, type RunningApi, testApi, testWorld, until, type World } from '../support.ts';
import { addressOf, listen, metricOf, type OpenStream } from './support.ts';

type Reader = Pick<RunningApi['backend']['reader'], 'read'>;

const hasBegun = ({ events }: OpenStream) => events.at(-1)?.event === 'heartbeat';
const open = (api: RunningApi) => metricOf(api, 'calltally_streams_open');
const ended = (api: RunningApi, reason: string) =>
  metricOf(api, 'calltally_streams_ended_total', `reason="${reason}"`);

function isEndedByKey(t: Test, { events, isEnded }: OpenStream): void {
  t.ok(isEnded);
  t.match(events.at(-1), { event: 'end', data: { code: 'INVALID_API_KEY', message: /not valid/ } });
  t.notMatch(JSON.stringify(events.at(-1)), /ct_/);
}

test('how a stream ends', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [NOW_MS], 7));
  const now = { ms: NOW_MS };
  const api = await testApi(t, world, { now });

  await t.test('its key is revoked: `end`, and no other stream of the user is touched', async (t) => {
    const { apiKey, row } = await world.store.apiKeys.create({ userId: 'u' });
    const others = await listen(t, api, await world.keyOf('u'));
    const streams = await Promise.all([listen(t, api, apiKey), listen(t, api, apiKey)]);
    for (const stream of [others, ...streams]) await stream.when(hasBegun);
    await world.store.apiKeys.revoke(row._id);
    for (const stream of streams) {
      await stream.when(({ isEnded }) => isEnded);
      isEndedByKey(t, stream);
    }
    t.equal((await listen(t, api, apiKey)).status, 401);
    await world.count(callsAt('u', [NOW_MS], 7));
    await others.when(({ dashboards }) => dashboards.length === 2);
    t.notOk(others.isEnded);
    t.equal(await ended(api, 'key'), 2);
    others.close();
  });

  await t.test('its key expires', async (t) => {
    const stream = await listen(t, api, await world.keyOf('u', new Date(NOW_MS + 1_000)));
    await stream.when(hasBegun);
    now.ms += 999;
    await world.count(callsAt('u', [NOW_MS], 7));
    await stream.when(({ dashboards }) => dashboards.length === 2);
    now.ms += 1;
    await stream.when(({ isEnded }) => isEnded);
    isEndedByKey(t, stream);
  });

  await t.test('while Mongo is away known keys stay valid; revoked ones end when it is back', async (t) => {
    const { apiKey, row } = await world.store.apiKeys.create({ userId: 'u' });
    const stream = await listen(t, api, apiKey);
    await stream.when(hasBegun);
    await world.mongoGate.cut();
    await world.store.apiKeys.revoke(row._id);
    const before = stream.dashboards.length;
    await world.count(callsAt('u', [NOW_MS], 7));
    await stream.when(({ dashboards }) => dashboards.length > before);
    t.notOk(stream.isEnded);
    await world.mongoGate.open();
    await stream.when(({ isEnded }) => isEnded);
    isEndedByKey(t, stream);
  });

  await t.test(
    'each has one line in the log when it is over, and is measured by when it began',
    async (t) => {
      await until(
        () => open(api),
        (count) => count === 0,
      );
      const lines = api.lines
        .map((line) => JSON.parse(line))
        .filter(({ path }) => path === '/analytics/stream');
      t.equal(lines.filter(({ status, code }) => status === 200 && code === 'INVALID_API_KEY').length, 4);
      t.equal(lines.filter(({ status, code }) => status === 200 && code === undefined).length, 1);
      for (const line of lines)
        t.match(line, { msg: 'request', method: 'GET', client: '127.0.0.1', request_id: String, ms: Number });
      const { body } = await api.app.inject('/metrics');
      const sum =
        /^calltally_http_request_duration_seconds_sum.*route="\/analytics\/stream",status="200".* (\S+)$/m;
      const lasted = lines.reduce((ms, line) => ms + (line.status === 200 ? line.ms : 0), 0) / 1_000;
      t.ok(Number(sum.exec(body)?.[1]) < lasted / 2, 'far less than they lasted');
    },
  );
});

/** The number of scripts that Redis has run. */
async function scriptsRun(t: Test, world: World): Promise<() => Promise<number>> {
  const session = await CounterSession.open({
    url: world.redis.address,
    commandTimeoutMs: 5_000,
    openTimeoutMs: 5_000,
  });
  t.teardown(() => void session.end('done'));
  return async () => {
    const said = String(await session.masters[0]!.redis.info('commandstats'));
    return [...said.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce(
      (sum, [, calls]) => sum + Number(calls),
      0,
    );
  };
}

test('a client that has gone is forgotten, and nothing is asked for it any more', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [NOW_MS], 7));
  const key = await world.keyOf('u');
  const api = await testApi(t, world);
  const scripts = await scriptsRun(t, world);
  const streams = await Promise.all(
    ['', 'start_date=2020-01-01'].map((query) => listen(t, api, key, { query })),
  );
  for (const stream of streams) await stream.when(hasBegun);
  t.equal(await open(api), 2);
  const atFirst = await scripts();
  t.ok(
    (await until(scripts, (count) => count > atFirst + 2)) > atFirst + 2,
    'it is asked while somebody listens',
  );
  for (const stream of streams) stream.close();
  t.equal(
    await until(
      () => open(api),
      (count) => count === 0,
    ),
    0,
  );
  t.equal(await ended(api, 'client'), 2);
  // The look that was under way.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const afterwards = await scripts();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  t.equal(await scripts(), afterwards);

  const again = await listen(t, api, key);
  await again.when(hasBegun);
  await world.count(callsAt('u', [NOW_MS], 7));
  await again.when(({ dashboards }) => dashboards.length === 2);
  t.pass('and it begins anew with the next one');
});

/** A reader that reads once it is released. */
function heldReader() {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const readerOver = (reader: Reader): Reader => ({
    async read(...asked) {
      await held;
      return reader.read(...asked);
    },
  });
  return { readerOver, release: () => release() };
}

test('a client that goes before the first figures are there leaves nothing behind', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [NOW_MS], 7));
  const key = await world.keyOf('u');
  const { readerOver, release } = heldReader();
  const api = await testApi(t, world, { readerOver });
  const leaving = new AbortController();
  const { signal } = leaving;
  const headers = { authorization: `Bearer ${key}` };
  const answer = fetch(`${await addressOf(api)}/analytics/stream`, { headers, signal }).then(
    () => 'answered',
    () => 'gone',
  );
  const waiting = await until(
    () => open(api),
    (count) => count === 1,
  );
  leaving.abort();
  t.same([waiting, await answer], [1, 'gone']);
  const connections = () =>
    new Promise<number>((resolve) => api.app.server.getConnections((_, count) => resolve(count)));
  t.equal(await until(connections, (count) => count === 0), 0, 'the server knows');
  release();
  t.equal(
    await until(
      () => open(api),
      (count) => count === 0,
    ),
    0,
  );
});

test('streams asked for behind a stream, by one connection, leave nothing behind', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [NOW_MS], 7));
  const key = await world.keyOf('u');
  const api = await testApi(t, world);
  const { hostname, port } = new URL(await addressOf(api));
  const socket = connect(Number(port), hostname);
  t.teardown(() => void socket.destroy());
  let came = '';
  socket.on('data', (bytes) => {
    came += bytes;
  });
  const request = (path: string) =>
    `GET ${path} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer ${key}\r\n\r\n`;
  socket.write(['/healthz', ...Array(3).fill('/analytics/stream')].map(request).join(''));
  await until(
    async () => came,
    (text) => text.includes('event: heartbeat'),
  );
  t.match(came, /"alive".*event: dashboard/s, 'behind an answer that ends it comes');
  socket.destroy();
  t.equal(
    await until(
      () => open(api),
      (count) => count === 0,
    ),
    0,
  );
});

test('an app that closes ends all its streams, without `end`', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [NOW_MS], 7));
  const key = await world.keyOf('u');
  const api = await testApi(t, world);
  const streams = await Promise.all(Array.from({ length: 20 }, () => listen(t, api, key)));
  for (const stream of streams) await stream.when(hasBegun);
  const closed = once(api.app.server, 'close');
  await api.app.close();
  await closed;
  for (const stream of streams) {
    await stream.when(({ isEnded }) => isEnded);
    t.equal(stream.events.at(-1)?.event, 'heartbeat');
  }
});

test('before the process ends, streams are told to move, one after another, also those opened meanwhile', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [NOW_MS], 7));
  const key = await world.keyOf('u');
  const drain = new Drain();
  const api = await testApi(t, world, { drain });
  const streams = await Promise.all(Array.from({ length: 20 }, () => listen(t, api, key)));
  for (const stream of streams) await stream.when(hasBegun);
  const over = drain.begin(2_500);
  const late = await listen(t, api, key);
  t.equal(late.status, 200);
  await Promise.race(streams.map((stream) => stream.when(({ isEnded }) => isEnded)));
  t.notOk(
    streams.every(({ isEnded }) => isEnded),
    'not all at once',
  );
  for (const stream of [...streams, late]) {
    await stream.when(({ isEnded }) => isEnded);
    t.equal(stream.events.at(-1)?.event, 'reconnect');
    t.match(stream.events, [{ event: 'dashboard' }]);
  }
  t.equal(await ended(api, 'stopping'), 21);
  await over;
});

test('a stream that is being opened when the process stops is accepted, and told to move', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [NOW_MS], 7));
  const key = await world.keyOf('u');
  const { readerOver, release } = heldReader();
  const drain = new Drain();
  const api = await testApi(t, world, { drain, readerOver });
  const opened = listen(t, api, key);
  await until(
    () => open(api),
    (count) => count === 1,
  );
  await drain.begin(1);
  const closed = api.app.close();
  release();
  const stream = await opened;
  await stream.when(({ isEnded }) => isEnded);
  t.equal(stream.status, 200);
  t.same(
    stream.events.map(({ event }) => event),
    ['reconnect'],
  );
  await closed;
});
