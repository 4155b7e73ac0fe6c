import { CounterSession } from '@calltally/counters';
import { test } from 'tap';
import { callsAt, NOW_MS, testApi, testWorld } from '../support.ts';
import { addressOf, listen, metricOf } from './support.ts';

const USERS = 150;
const LISTENERS = 300;

test('hundreds of listeners: each gets its own figures, and none holds a Redis connection', async (t) => {
  const world = await testWorld(t);
  const users = Array.from({ length: USERS }, (_, i) => `u-${i}`);
  // Nobody has as many calls as another.
  await world.count(users.flatMap((userId, i) => callsAt(userId, Array(i + 1).fill(NOW_MS), 60_000)));
  const keys = await Promise.all(users.map((userId) => world.keyOf(userId)));
  const api = await testApi(t, world);
  const session = await CounterSession.open({
    url: world.redis.address,
    commandTimeoutMs: 5_000,
    openTimeoutMs: 5_000,
  });
  t.teardown(() => void session.end('done'));
  const connections = async () =>
    String(await session.masters[0]!.redis.client('LIST'))
      .trim()
      .split('\n').length;

  await addressOf(api);
  t.equal((await api.get('/analytics/dashboard', keys[0])).headers['x-tally-source'], 'counters');
  const before = await connections();
  const streams = await Promise.all(
    Array.from({ length: LISTENERS }, (_, i) => listen(t, api, keys[i % USERS])),
  );
  for (const [i, stream] of streams.entries()) {
    await stream.when(({ dashboards }) => dashboards.length > 0);
    t.equal(stream.dashboards[0].total_calls, (i % USERS) + 1);
  }
  t.equal(await metricOf(api, 'calltally_streams_open'), LISTENERS);
  t.equal(await connections(), before);

  await world.count(users.flatMap((userId, i) => callsAt(userId, Array(i + 1).fill(NOW_MS), 60_000)));
  for (const [i, stream] of streams.entries()) {
    const own = (i % USERS) + 1;
    await stream.when(({ dashboards }) => dashboards.at(-1).total_calls === 2 * own);
    t.same(
      stream.dashboards.map(({ total_calls }) => total_calls),
      [own, 2 * own],
    );
  }
  t.equal(await metricOf(api, 'calltally_streams_open'), LISTENERS);
});
