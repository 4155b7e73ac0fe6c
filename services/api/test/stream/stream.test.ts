import { test } from 'tap';
import { callsAt, exampleCalls, NOW_MS, testApi, testWorld } from '../support.ts';
import { figures, listen } from './support.ts';

test('GET /analytics/stream', async (t) => {
  const world = await testWorld(t);
  await world.count([...exampleCalls('u-342'), ...callsAt('u-other', [NOW_MS, NOW_MS - 1], 7)]);
  const [key, other] = await Promise.all([world.keyOf('u-342'), world.keyOf('u-other')]);
  const api = await testApi(t, world);

  await t.test("the dashboard's data at once, then how far it goes", async (t) => {
    for (const query of [
      '',
      'start_date=2026-03-01&end_date=2026-03-28',
      'start_date=2026-03-01T00:00:01Z',
    ]) {
      const stream = await listen(t, api, key, { query });
      await stream.when(({ events }) => events.length >= 2);
      const { body } = await api.get(`/analytics/dashboard?${query}`, key);
      t.same(
        stream.events.slice(0, 2).map(({ event }) => event),
        ['dashboard', 'heartbeat'],
      );
      t.strictSame(stream.dashboards[0], body.data, query);
      t.match(stream.events[1]!.data.as_of, /^\d{4}-\d\d-\d\dT/);
      stream.close();
    }
  });

  await t.test('a call that is counted appears, for its user alone', async (t) => {
    const [mine, theirs] = await Promise.all([listen(t, api, key), listen(t, api, other)]);
    await Promise.all([mine, theirs].map((stream) => stream.when(({ dashboards }) => dashboards.length > 0)));
    await world.count(callsAt('u-342', [NOW_MS], 60_000));
    await mine.when(({ dashboards }) => dashboards.at(-1).total_calls === 343);
    const { body } = await api.get('/analytics/dashboard', key);
    t.strictSame(figures(mine.dashboards.at(-1)), figures(body.data));
    await world.count(callsAt('u-other', [NOW_MS], 60_000));
    await theirs.when(({ dashboards }) => dashboards.at(-1).total_calls === 3);
    t.same(
      theirs.dashboards.map(({ total_calls }) => total_calls),
      [2, 3],
    );
    t.same(
      mine.dashboards.map(({ total_calls }) => total_calls),
      [342, 343],
    );
  });
});
