import { type Test, test } from 'tap';
import { callsAt, NOW_MS, type RunningApi, testApi, testWorld, until, type World } from '../support.ts';
import { figures, listen, type OpenStream } from './support.ts';

/** Read from ready sums, from buckets, from both stores. */
const QUERIES = ['', 'start_date=2020-01-01', 'start_date=2026-03-01T00:00:01Z&end_date=2026-03-28'];
const COUNTS_MAX = 5_000;
const hasBegun = ({ events }: OpenStream) => events.at(-1)?.event === 'heartbeat';
const beatsOf = ({ events }: OpenStream) => events.filter(({ event }) => event === 'heartbeat');

interface Scene {
  t: Test;
  world: World;
  api: RunningApi;
  key: string;
  streams: OpenStream[];
  /** Counts a call and waits until these streams show it, with the dashboard's figures. */
  counted(some: readonly OpenStream[]): Promise<void>;
}

/** Streams of one user over each of the queries, begun and read from counters. */
async function scene(t: Test): Promise<Scene> {
  const world = await testWorld(t);
  let calls = 1;
  await world.count(callsAt('u', [NOW_MS], 60_000));
  const key = await world.keyOf('u');
  const api = await testApi(t, world);
  const streams = await Promise.all(QUERIES.map((query) => listen(t, api, key, { query })));
  for (const stream of streams) await stream.when(hasBegun);
  return {
    t,
    world,
    api,
    key,
    streams,
    async counted(some) {
      calls += 1;
      await world.count(callsAt('u', [NOW_MS], 60_000));
      for (const stream of some) {
        await stream.when(({ dashboards }) => dashboards.at(-1).total_calls === calls);
        const { body } = await api.get(`/analytics/dashboard?${QUERIES[streams.indexOf(stream)]}`, key);
        t.strictSame(figures(stream.dashboards.at(-1)), figures(body.data));
      }
    },
  };
}

/** Every number sent was true at some moment, and none was sent twice in a row. */
function toldTheTruth({ t, streams }: Scene): void {
  for (const stream of streams) {
    const totals = stream.dashboards.map(({ total_calls }) => total_calls);
    t.strictSame(
      totals,
      [...new Set(totals)].sort((a, b) => a - b),
    );
    t.equal(stream.dashboards.at(-1).calls_today, totals.at(-1));
    t.notOk(stream.isEnded);
  }
}

for (const how of ['cut', 'hang'] as const) {
  test(`Redis ${how}: what is counted comes from Mongo, and at once again when it is back`, async (t) => {
    const all = await scene(t);
    const { world, api, key, streams, counted } = all;
    await world.redisGate[how]();
    await counted(streams);
    await world.redisGate.open();
    await until(
      () => api.get('/analytics/dashboard', key),
      ({ headers }) => headers['x-tally-source'] === 'counters',
    );
    await counted(streams);
    toldTheTruth(all);
  });

  test(`Mongo ${how}: whole days from counters, and the cut range when it is back`, async (t) => {
    const all = await scene(t);
    const { world, streams, counted } = all;
    await world.mongoGate[how]();
    await counted(streams.slice(0, 2));
    await world.mongoGate.open();
    await streams[2]!.when(({ dashboards }) => dashboards.at(-1).total_calls === 2);
    await counted(streams);
    toldTheTruth(all);
  });

  test(`both ${how}: streams stay, beat, and go on when either is back`, async (t) => {
    const all = await scene(t);
    const { world, streams } = all;
    await Promise.all([world.redisGate[how](), world.mongoGate[how]()]);
    await world.count(callsAt('u', [NOW_MS], 60_000));
    const before = streams.map((stream) => beatsOf(stream).length);
    for (const [i, stream] of streams.entries()) {
      await stream.when((one) => beatsOf(one).length >= before[i]! + 2);
      t.equal(stream.dashboards.at(-1).total_calls, 1);
      const [last, ago] = beatsOf(stream).slice(-2);
      t.equal(last!.data.as_of, ago!.data.as_of, 'as-of stands still');
    }
    await world.mongoGate.open();
    for (const stream of streams) await stream.when(({ dashboards }) => dashboards.at(-1).total_calls === 2);
    await world.redisGate.open();
    await world.count(callsAt('u', [NOW_MS], 60_000));
    for (const stream of streams) await stream.when(({ dashboards }) => dashboards.at(-1).total_calls === 3);
    toldTheTruth(all);
  });
}

test('Redis emptied: the figures stay, and go on from Mongo, then from counters', async (t) => {
  const all = await scene(t);
  const { world, api, key, streams, counted } = all;
  await world.emptyRedis();
  await counted(streams);
  await until(
    () => api.get('/analytics/dashboard', key),
    ({ headers }) => headers['x-tally-source'] === 'counters',
  );
  await counted(streams);
  toldTheTruth(all);
});

test('the as-of of a heartbeat holds for the figures sent before it', async (t) => {
  const { world, streams } = await scene(t);
  const acknowledged: { atMs: number; calls: number }[] = [];
  const isBeating = () => streams.every((stream) => beatsOf(stream).length >= 3);
  for (let calls = 2; calls <= COUNTS_MAX && !isBeating(); calls++) {
    await world.count(callsAt('u', [NOW_MS], 60_000));
    acknowledged.push({ atMs: Date.now(), calls });
  }
  let claims = 0;
  for (const stream of streams) {
    let told = 0;
    for (const { event, data } of stream.events) {
      if (event === 'dashboard') told = data.total_calls;
      else {
        // World.count takes its as-of before it counts, so only earlier counts are included.
        const least = acknowledged.findLast(({ atMs }) => atMs <= Date.parse(data.as_of))?.calls ?? 1;
        t.ok(told >= least, `${told} calls told as of ${data.as_of}, ${least} counted`);
        claims += 1;
      }
    }
  }
  t.ok(claims >= 9, `${claims} claims while ${acknowledged.length} calls were counted`);
});
