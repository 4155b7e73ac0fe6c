import { test } from 'tap';
import { exampleCalls, NOW_MS, testApi, testWorld } from './support.ts';

const EXAMPLE = '/analytics/dashboard?start_date=2026-03-01T00:00:00Z&end_date=2026-03-28T23:59:59Z';

test('the dashboard', async (t) => {
  const world = await testWorld(t);
  await world.count(exampleCalls('u-342'));
  const key = await world.keyOf('u-342');
  const api = await testApi(t, world);

  await t.test('the documented example is answered field for field, from counters', async (t) => {
    const { status, headers, body } = await api.get(EXAMPLE, key);
    t.equal(status, 200);
    t.strictSame(body, {
      success: true,
      message: 'Dashboard analytics fetched successfully',
      data: {
        total_calls: 342,
        total_duration_minutes: 1520.75,
        total_duration_hours: 25.35,
        avg_duration_minutes: 4.45,
        calls_today: 8,
        calls_this_week: 45,
        calls_this_month: 342,
        date_range: { start_date: '2026-03-01T00:00:00Z', end_date: '2026-03-28T23:59:59Z' },
      },
    });
    t.equal(headers['x-tally-source'], 'counters');
    t.equal(headers['cache-control'], 'private, no-store');
    t.match(headers['server-timing'], /^auth;dur=[\d.]+, read;dur=[\d.]+$/);
    t.match(headers['content-type'], /^application\/json/);
  });
});
