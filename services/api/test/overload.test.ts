import { type Test, test } from 'tap';
import { type Answer, callsAt, NOW_MS, testApi, testWorld, until } from './support.ts';

const PATHS = ['/analytics/dashboard', '/analytics/timeseries'];
const FALLBACKS_AT_ONCE_MAX = 64;

function isRefusedByName(t: Test, answer: Answer): void {
  t.match(answer, {
    status: 503,
    headers: { 'retry-after': /^[1-9]\d*$/, 'cache-control': 'private, no-store' },
    body: { success: false, error: { code: 'OVERLOADED' } },
  });
  t.notMatch(JSON.stringify(answer.body), /mongo|redis/i);
}

test('beyond the limit of reads, requests are refused at once as OVERLOADED', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [NOW_MS], 7));
  const key = await world.keyOf('u');
  let release = () => {};
  let begun = 0;
  const { get } = await testApi(t, world, {
    readsAtOnceMax: 5,
    readerOver: (reader) => ({
      async read(...of) {
        begun += 1;
        await new Promise<void>((resolve) => {
          const before = release;
          release = () => {
            before();
            resolve();
          };
        });
        return reader.read(...of);
      },
    }),
  });
  const waiting = Array.from({ length: 5 }, () => get(PATHS[0]!, key));
  await until(
    async () => begun,
    (count) => count === 5,
  );
  for (const path of PATHS) isRefusedByName(t, await get(path, key));
  const { body: metrics } = await get('/metrics');
  t.match(metrics, /calltally_overloaded_total\{kind="all",service="api"\} 2/);
  t.match(metrics, /calltally_reads_under_way\{kind="all",service="api"\} 5/);
  t.match(metrics, /calltally_event_loop_delay_seconds\{quantile="0.99",service="api"\} [\d.e-]+\n/);
  release();
  for (const { status } of await Promise.all(waiting)) t.equal(status, 200);
  const again = get(PATHS[0]!, key);
  await until(
    async () => begun,
    (count) => count === 6,
  );
  release();
  t.equal((await again).status, 200, 'and then there is room again');
});

test('when Redis is lost, Mongo is asked for a bounded number of answers', async (t) => {
  const world = await testWorld(t);
  const users = Array.from({ length: 20 }, (_, i) => `u-${i}`);
  await world.count(users.flatMap((user) => callsAt(user, [NOW_MS], 7)));
  const keys = await Promise.all(users.map((user) => world.keyOf(user)));
  const { get } = await testApi(t, world);
  for (const key of keys)
    await until(
      () => get(PATHS[0]!, key),
      ({ status }) => status === 200,
    );
  await world.redisGate.cut();
  await until(
    () => get(PATHS[0]!, keys[0]),
    ({ headers }) => headers['x-tally-source'] === 'mongo',
  );
  const crowd = await Promise.all(
    Array.from({ length: 10 * FALLBACKS_AT_ONCE_MAX }, (_, i) => get(PATHS[i % 2]!, keys[i % keys.length])),
  );
  const answered = crowd.filter(({ status }) => status === 200);
  t.ok(answered.length >= FALLBACKS_AT_ONCE_MAX, `${answered.length} are answered`);
  t.ok(answered.every(({ headers }) => headers['x-tally-source'] === 'mongo'));
  const refused = crowd.filter(({ status }) => status !== 200);
  t.ok(refused.length > 0, `${refused.length} are not`);
  isRefusedByName(t, refused[0]!);
  t.strictSame([...new Set(refused.map(({ body }) => body.error.code))], ['OVERLOADED']);
  t.equal((await get(PATHS[0]!, keys[0])).status, 200, 'later requests are answered');
});
