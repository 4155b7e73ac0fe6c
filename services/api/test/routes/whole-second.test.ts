import { test } from 'tap';
import { callsAt, NOW_MS, testApi, testWorld, until } from '../support.ts';

const SECOND = Date.UTC(2026, 2, 14, 9, 30, 15);
const KINDS = ['dashboard', 'timeseries'] as const;

test('an end with a zero fraction includes that whole second, and so does the date_range shown', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [SECOND + 500, SECOND + 1_000], 7));
  const key = await world.keyOf('u');
  const { get } = await testApi(t, world);
  await until(
    () => get('/analytics/dashboard', key),
    ({ headers }) => headers['x-tally-source'] === 'counters',
  );
  const callsOf = async (kind: (typeof KINDS)[number], query: string) => {
    const { body } = await get(`/analytics/${kind}?${query}`, key);
    const { data } = body;
    const calls =
      data.total_calls ?? data.buckets.reduce((sum: number, bucket: typeof data) => sum + bucket.calls, 0);
    return { calls, range: new URLSearchParams(data.date_range).toString() };
  };
  const ends = [
    '2026-03-14T09:30:15.000Z',
    '2026-03-14T09:30:15.0Z',
    '2026-03-14T09:30:15,000000Z',
    '2026-03-14T11:30:15.000%2B02:00',
    '2026-03-14T09:30:15Z',
  ];
  for (const kind of KINDS) {
    for (const end of ends) {
      const asked = await callsOf(kind, `start_date=2026-03-14T09:30:15.000Z&end_date=${end}`);
      t.equal(asked.calls, 1, `${kind} ${end}`);
      t.strictSame(await callsOf(kind, asked.range), asked, `${kind} ${end}, sent back`);
    }
    const cut = await callsOf(kind, 'start_date=2026-03-14&end_date=2026-03-14T09:30:15.0004Z');
    t.equal(cut.calls, 0, `${kind}: a fraction that is not zero takes what it says`);
    t.strictSame(await callsOf(kind, cut.range), cut, `${kind}, sent back`);
  }
  t.equal(NOW_MS % 1_000, 0);
  for (const kind of KINDS) {
    const asked = await callsOf(kind, '');
    t.equal(asked.calls, 2);
    t.strictSame(await callsOf(kind, asked.range), asked, `${kind}: now at a whole second, sent back`);
  }
});
