import { test } from 'tap';
import { callsAt, exampleCalls, NOW_MS, testApi, testWorld, until } from '../support.ts';
import { figures, listen, metricOf, type OpenStream } from './support.ts';

const totals = ({ dashboards }: OpenStream) => dashboards.map(({ total_calls }) => total_calls);
const kinds = ({ events }: OpenStream) => events.map(({ event }) => event);
const beatsOf = (stream: OpenStream) => kinds(stream).filter((kind) => kind === 'heartbeat').length;
const hasBegun = ({ events }: OpenStream) => events.at(-1)?.event === 'heartbeat';

test('GET /analytics/stream', async (t) => {
  const world = await testWorld(t);
  await world.count([...exampleCalls('u-342'), ...callsAt('u-other', [NOW_MS, NOW_MS - 1], 7)]);
  const [key, other] = await Promise.all([world.keyOf('u-342'), world.keyOf('u-other')]);
  const now = { ms: NOW_MS };
  const api = await testApi(t, world, { now });

  await t.test("the dashboard's data at once, whatever the range, then how far it goes", async (t) => {
    for (const query of [
      '',
      'start_date=2026-03-01T00:00:00Z&end_date=2026-03-28T23:59:59Z',
      'start_date=2026-03-01T00:00:01Z',
      'end_date=2026-03-20&user_id=u-342',
    ]) {
      const stream = await listen(t, api, key, { query });
      await stream.when(hasBegun);
      const { body } = await api.get(`/analytics/dashboard?${query}`, key);
      t.same(kinds(stream), ['dashboard', 'heartbeat']);
      t.strictSame(stream.dashboards[0], body.data, query);
      t.match(stream.events[1]!.data.as_of, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      stream.close();
    }
  });

  await t.test('headers keep proxies and caches from holding it back', async (t) => {
    const stream = await listen(t, api, key);
    t.equal(stream.status, 200);
    t.equal(stream.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    t.equal(stream.headers.get('cache-control'), 'private, no-store, no-transform');
    t.equal(stream.headers.get('x-accel-buffering'), 'no');
    t.match(stream.headers.get('x-request-id'), /./);
    stream.close();
  });

  await t.test('a call that is counted appears unasked, and for its user alone', async (t) => {
    const [mine, theirs] = await Promise.all([listen(t, api, key), listen(t, api, other)]);
    await Promise.all([mine.when(hasBegun), theirs.when(hasBegun)]);
    await world.count(callsAt('u-342', [NOW_MS], 60_000));
    await mine.when((stream) => totals(stream).includes(343));
    const { body } = await api.get('/analytics/dashboard', key);
    t.strictSame(mine.dashboards.at(-1), body.data);
    await world.count(callsAt('u-other', [NOW_MS], 60_000));
    await theirs.when((stream) => totals(stream).includes(3));
    t.same(totals(theirs), [2, 3]);
    t.same(totals(mine), [342, 343]);
    for (const stream of [mine, theirs]) stream.close();
  });

  await t.test(
    'a call outside of the range is told where it changes today, and else not at all',
    async (t) => {
      const [past, all] = await Promise.all([
        listen(t, api, key, { query: 'end_date=2026-03-20' }),
        listen(t, api, key, { query: 'start_date=2020-01-01' }),
      ]);
      await Promise.all([past.when(hasBegun), all.when(hasBegun)]);
      const before = all.dashboards[0].total_calls;
      await world.count(callsAt('u-342', [Date.UTC(2024, 1, 1)], 60_000));
      await all.when((stream) => totals(stream).at(-1) === before + 1);
      await world.count(callsAt('u-342', [NOW_MS], 60_000));
      await all.when((stream) => totals(stream).at(-1) === before + 2);
      await past.when(({ dashboards }) => dashboards.length > 1);
      const todays = past.dashboards.map(({ calls_today }) => calls_today);
      t.same(todays, [todays[0], todays[0] + 1], 'the call of 2024 made no event of the same figures');
      for (const stream of [past, all]) stream.close();
    },
  );

  await t.test('after a reconnect, figures are sent only if the client does not have them', async (t) => {
    const first = await listen(t, api, key);
    await first.when(hasBegun);
    const { id } = first.events[0]!;
    t.match(id, /^[\w-]{8,24}$/);
    first.close();
    now.ms += 1_000;
    const same = await listen(t, api, key, { lastEventId: id! });
    await same.when(hasBegun);
    t.same(kinds(same), ['heartbeat']);
    await world.count(callsAt('u-342', [NOW_MS], 60_000));
    await same.when(({ dashboards }) => dashboards.length > 0);
    for (const lastEventId of [id!, 'nonsense', '']) {
      const late = await listen(t, api, key, { lastEventId });
      await late.when(hasBegun);
      t.same(kinds(late), ['dashboard', 'heartbeat']);
      t.equal(late.dashboards[0].total_calls, first.dashboards[0].total_calls + 1);
      late.close();
    }
    const otherRange = await listen(t, api, key, { query: 'end_date=2026-03-20', lastEventId: id! });
    await otherRange.when(hasBegun);
    t.same(kinds(otherRange), ['dashboard', 'heartbeat']);
    for (const stream of [same, otherRange]) stream.close();
  });

  await t.test('a listener that joins others gets the present figures', async (t) => {
    const first = await listen(t, api, key);
    await first.when(hasBegun);
    for (let calls = 1; calls <= 5; calls++) {
      await world.count(callsAt('u-342', [NOW_MS], 60_000));
      const { body } = await api.get('/analytics/dashboard', key);
      const next = await listen(t, api, key);
      await next.when(hasBegun);
      t.strictSame(figures(next.dashboards[0]), figures(body.data));
      next.close();
    }
    first.close();
  });
});

test('a listener that joins during a read gets the result of a later one', async (t) => {
  const world = await testWorld(t);
  const key = await world.keyOf('u');
  await world.count(callsAt('u', [NOW_MS], 60_000));
  let held: Promise<void> | undefined;
  let reads = 0;
  let release = () => {};
  const api = await testApi(t, world, {
    readerOver: (reader) => ({
      async read(...asked) {
        const reading = await reader.read(...asked);
        reads += 1;
        await held;
        return reading;
      },
    }),
  });
  const first = await listen(t, api, key);
  await first.when(hasBegun);
  held = new Promise((resolve) => {
    release = resolve;
  });
  const before = reads;
  await world.count(callsAt('u', [NOW_MS], 60_000));
  await until(
    async () => reads,
    (count) => count > before,
  );
  await world.count(callsAt('u', [NOW_MS], 60_000));
  const coming = listen(t, api, key);
  await until(
    () => metricOf(api, 'calltally_streams_open'),
    (count) => count === 2,
  );
  held = undefined;
  release();
  const next = await coming;
  await next.when(hasBegun);
  t.equal(totals(next)[0], 3);
  await first.when((one) => totals(one).at(-1) === 3);
});

test('while nothing of a user is counted, heartbeats tell how far the figures go by now', async (t) => {
  const world = await testWorld(t);
  const key = await world.keyOf('u');
  await world.count(callsAt('u', [NOW_MS], 60_000));
  const api = await testApi(t, world);
  const stream = await listen(t, api, key);
  await stream.when(hasBegun);
  const reachedMs = Date.now();
  await world.count(callsAt('u-other', [NOW_MS], 60_000));
  await stream.when(({ events }) => Date.parse(events.at(-1)!.data.as_of) >= reachedMs);
  t.same([...new Set(kinds(stream))], ['dashboard', 'heartbeat']);
  t.equal(stream.dashboards.length, 1);
});

test('a burst of calls is sent as a few events, always including the last state', async (t) => {
  const world = await testWorld(t);
  const key = await world.keyOf('u');
  await world.count(callsAt('u', [NOW_MS], 60_000));
  const api = await testApi(t, world);
  const begunMs = performance.now();
  const streams = await Promise.all([
    listen(t, api, key),
    listen(t, api, key, { query: 'start_date=2020-01-01' }),
  ]);
  const states = 60;
  for (let calls = 1; calls < states; calls++) {
    await world.count(callsAt('u', [NOW_MS], 60_000));
    // Who comes is sent the figures of now, so they are read more often than they are looked for.
    const joining = await listen(t, api, key);
    joining.close();
  }
  for (const stream of streams) {
    await stream.when((one) => totals(one).at(-1) === states);
    const elapsedMs = performance.now() - begunMs;
    const seen = totals(stream);
    t.ok(seen.length <= 2 + elapsedMs / 250, `${seen.length} events in ${Math.round(elapsedMs)} ms: ${seen}`);
    t.strictSame(
      seen,
      [...new Set(seen)].sort((a, b) => a - b),
      'none twice, none older than the one before',
    );
  }
});

test('time alone changes figures', async (t) => {
  const world = await testWorld(t);
  const [key, quietKey] = await Promise.all([world.keyOf('u'), world.keyOf('u-quiet')]);
  await world.count(callsAt('u', [NOW_MS, NOW_MS - 1, Date.UTC(2026, 1, 26)], 60_000));
  const now = { ms: NOW_MS };
  const api = await testApi(t, world, { now });

  await t.test('midnight: today is another day, and the window moves on', async (t) => {
    const queries = ['', 'start_date=2026-03-01&end_date=2026-03-28'];
    const streams = await Promise.all(queries.map((query) => listen(t, api, key, { query })));
    const quiet = await listen(t, api, quietKey);
    // Not a stream that was just opened: that is checked again in any case.
    for (const stream of [...streams, quiet]) await stream.when((one) => beatsOf(one) === 2);
    t.match(streams[0]!.dashboards[0], { total_calls: 3, calls_today: 2 });
    now.ms = Date.UTC(2026, 2, 29, 0, 0, 1);
    for (const stream of [...streams, quiet]) await stream.when(({ dashboards }) => dashboards.length === 2);
    const [window, fixed] = streams.map((stream) => stream.dashboards[1]);
    t.match(window, { total_calls: 2, calls_today: 0, date_range: { start_date: '2026-02-27T00:00:00Z' } });
    t.match(fixed, { total_calls: 2, calls_today: 0, date_range: { start_date: '2026-03-01T00:00:00Z' } });
    t.match(quiet.dashboards[1], { total_calls: 0, date_range: { start_date: '2026-02-27T00:00:00Z' } });
    for (const stream of [...streams, quiet]) stream.close();
  });

  await t.test(
    'a call that starts later than now, by a clock ahead of ours, comes in when it has started',
    async (t) => {
      const stream = await listen(t, api, key, { query: 'start_date=2026-03-29' });
      await stream.when(hasBegun);
      await world.count(callsAt('u', [now.ms + 60_000], 60_000));
      await stream.when(({ dashboards }) => dashboards.at(-1).calls_today === 1);
      t.equal(stream.dashboards.at(-1).total_calls, 0);
      now.ms += 60_000;
      await stream.when(({ dashboards }) => dashboards.at(-1).total_calls === 1);
      stream.close();
    },
  );

  await t.test('a clock that goes back behind the start of the range ends nothing', async (t) => {
    const stream = await listen(t, api, key, { query: 'start_date=2026-03-29' });
    await stream.when(hasBegun);
    now.ms = NOW_MS;
    await stream.when((one) => beatsOf(one) === 2);
    t.equal(stream.dashboards.length, 1);
    now.ms = Date.UTC(2026, 2, 29, 12);
    await world.count(callsAt('u', [now.ms], 60_000));
    await stream.when(({ dashboards }) => dashboards.at(-1).total_calls === 2);
    stream.close();
  });
});
