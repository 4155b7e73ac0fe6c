import { type Test, test } from 'tap';
import { type Answer, exampleCalls, testApi, testWorld, until, untilRedisIsMissed } from './support.ts';

const WHOLE_DAYS = '/analytics/dashboard?start_date=2026-03-01&end_date=2026-03-28';
const CUTTING = '/analytics/dashboard?start_date=2026-03-01T00:00:01Z&end_date=2026-03-28';
const WINDOW = '/analytics/dashboard';
const SERIES = '/analytics/timeseries?start_date=2026-03-01T00:00:01Z&interval=week';
/** Calls of the example in each range. */
const TOTALS = new Map([
  [WHOLE_DAYS, 342],
  [CUTTING, 341],
  [WINDOW, 342],
]);

test('dashboards while stores are away', async (t) => {
  const world = await testWorld(t);
  await world.count(exampleCalls('u-342'));
  const [key, unusedKey] = await Promise.all([world.keyOf('u-342'), world.keyOf('u-342')]);
  const { get } = await testApi(t, world);

  const sourceBecomes = async (source: string) => {
    const { headers } = await until(
      () => get(WINDOW, key),
      (answer) => answer.headers['x-tally-source'] === source,
    );
    return headers['x-tally-source'];
  };

  function isUnavailable(t: Test, answer: Answer, what: string): void {
    t.equal(answer.status, 503, what);
    t.match(answer.headers['retry-after'], /^[1-9]\d*$/, what);
    t.strictSame([answer.body.success, answer.body.error], [false, { code: 'UNAVAILABLE' }], what);
    t.notMatch(JSON.stringify(answer.body), /127\.0\.0\.1|mongo|redis|ECONN|\.[jt]s\b/i, what);
  }

  async function isExact(t: Test, source: string): Promise<void> {
    for (const [path, total] of TOTALS) {
      const { status, headers, body } = await get(path, key);
      t.equal(status, 200, path);
      t.equal(headers['x-tally-source'], source, path);
      t.match(body.data, { total_calls: total, calls_today: 8, calls_this_week: 45, calls_this_month: 342 });
    }
  }

  for (const how of ['cut', 'hang'] as const) {
    await t.test(`Redis ${how}: the same numbers from Mongo, then from counters again`, async (t) => {
      t.equal(await sourceBecomes('counters'), 'counters');
      await world.redisGate[how]();
      await untilRedisIsMissed({ get });
      await isExact(t, 'mongo');
      await world.redisGate.open();
      t.equal(await sourceBecomes('counters'), 'counters');
    });

    await t.test(`Mongo ${how}: whole days from counters, known keys valid, the rest 503`, async (t) => {
      await world.mongoGate[how]();
      for (const path of [WINDOW, WHOLE_DAYS]) {
        const { headers, body } = await get(path, key);
        t.equal(headers['x-tally-source'], 'counters', path);
        t.equal(body.data.total_calls, TOTALS.get(path), path);
      }
      isUnavailable(t, await get(CUTTING, key), 'edges');
      isUnavailable(t, await get(SERIES, key), 'edges of a series');
      isUnavailable(t, await get(WINDOW, unusedKey), 'a key that was never seen');
      t.equal(
        (await get(WINDOW, 'nonsense')).status,
        401,
        'what has not the shape of a key needs no look-up',
      );
      const ready = await get('/readyz');
      t.equal(ready.status, 200);
      t.same(ready.body, {
        status: 'ready',
        dependencies: { redis: 'up', mongo: 'down' },
        redis: { masters: 1, masters_away: 0, users_away: 0 },
      });
      await world.mongoGate.open();
      const again = await until(
        () => get(CUTTING, key),
        ({ status }) => status === 200,
      );
      t.equal(again.body.data.total_calls, 341);
    });

    await t.test(`both ${how}: 503, from the first request on that Redis has to be asked for`, async (t) => {
      await Promise.all([world.redisGate[how](), world.mongoGate[how]()]);
      await untilRedisIsMissed({ get });
      for (const path of [WINDOW, WHOLE_DAYS, CUTTING, SERIES]) {
        const begunMs = performance.now();
        isUnavailable(t, await get(path, key), path);
        t.comment(`answered in ${Math.round(performance.now() - begunMs)} ms`);
      }
      const ready = await until(
        () => get('/readyz'),
        ({ status }) => status === 503,
      );
      t.same(ready.body, { status: 'unavailable', dependencies: { redis: 'down', mongo: 'down' } });
      t.equal((await get('/healthz')).status, 200, 'the process is alive all the same');
      await Promise.all([world.redisGate.open(), world.mongoGate.open()]);
      t.equal(await sourceBecomes('counters'), 'counters');
    });
  }

  await t.test(
    'Redis emptied: exact from Mongo, and from counters in the next assignment epoch',
    async (t) => {
      await world.redis.stop('SIGKILL');
      await untilRedisIsMissed({ get });
      await isExact(t, 'mongo');
      await world.redis.start();
      t.equal(await sourceBecomes('counters'), 'counters');
      await world.emptyRedis();
      t.equal(await sourceBecomes('mongo'), 'mongo');
      await isExact(t, 'mongo');
      await world.count(exampleCalls('somebody-else').slice(0, 1));
      t.equal(await sourceBecomes('counters'), 'counters', 'the cold user was filled behind the answer');
      for (const [path, total] of TOTALS) t.equal((await get(path, key)).body.data.total_calls, total, path);
    },
  );
});

test('the API starts and answers from the stores that are up', async (t) => {
  const world = await testWorld(t);
  await world.count(exampleCalls('u-342'));
  const key = await world.keyOf('u-342');
  await Promise.all([world.redisGate.cut(), world.mongoGate.cut()]);
  const { get } = await testApi(t, world);
  t.equal((await get(WINDOW, key)).status, 503);
  await world.mongoGate.open();
  const fromRows = await until(
    () => get(WINDOW, key),
    ({ status }) => status === 200,
  );
  t.equal(fromRows.headers['x-tally-source'], 'mongo');
  t.equal(fromRows.body.data.total_calls, 342);
  await world.redisGate.open();
  const fromCounters = await until(
    () => get(WINDOW, key),
    ({ headers }) => headers['x-tally-source'] === 'counters',
  );
  t.equal(fromCounters.body.data.total_calls, 342);
});
