import type { Test } from 'tap';
import type { World } from '../world.ts';
import { panelsOf, userDashboard } from './dashboards.ts';
import { askByInfinity, type Chosen, type InfinityTarget } from './infinity.ts';

const DAY_MS = 86_400_000;
const INTERVALS = ['day', 'hour', 'week', 'month'] as const;
const GROUPS_MAX = 20;

/** Asks what the dashboard of a user asks, with a platform key and with the user's own, and compares it with the oracle. */
export async function compareUserFigures(
  t: Test,
  { platform, oracle, keys }: World,
  user: string,
): Promise<void> {
  const panels = panelsOf(userDashboard<InfinityTarget>());
  const { apiKey: platformKey } = await platform.store.apiKeys.create({ platform: true });
  const ownKey = keys.get(user)!;
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  // Of days, as Grafana ends them.
  const shown = { fromMs: today - 30 * DAY_MS, toMs: today + DAY_MS - 1 };
  const range = { from: shown.fromMs, until: shown.toMs + 1 };
  const groupsBy = (by: 'agent' | 'status', label: 'agent_id' | 'status', name: string) =>
    oracle
      .breakdown(user, range, [by])
      .slice(0, GROUPS_MAX)
      .map((group) => ({
        [name]: group[label],
        Calls: group.calls,
        Minutes: group.duration_minutes,
        Average: group.avg_duration_minutes,
      }));
  const figures = oracle.figures(user, range, Date.now());
  const seriesBy = (interval: (typeof INTERVALS)[number]) =>
    interval === 'hour'
      ? oracle.seriesInZone(user, range, interval, 'UTC')
      : oracle.series(user, range, interval);

  for (const interval of INTERVALS) {
    const chosen: Chosen = { user, interval, ...shown };
    const series = seriesBy(interval).map((bucket) => ({ ...bucket, Time: Date.parse(bucket.start) }));
    const expected: Record<string, unknown> = {
      Calls: [{ Calls: figures.total_calls }],
      Minutes: [{ Minutes: figures.total_duration_minutes }],
      Average: [{ Average: figures.avg_duration_minutes }],
      'Calls today': [{ 'Calls today': figures.calls_today }],
      'Calls over time': series.map(({ Time, calls }) => ({ Time, Calls: calls })),
      'Minutes over time': series.map(({ Time, duration_minutes }) => ({ Time, Minutes: duration_minutes })),
      'By agent': groupsBy('agent', 'agent_id', 'Agent'),
      'By status': groupsBy('status', 'status', 'Status'),
    };
    t.same(
      panels.map(({ title }) => title),
      Object.keys(expected),
    );
    for (const { title, targets: [target] = [] } of panels) {
      const dependsOnInterval = JSON.stringify(target).includes('interval');
      if (interval !== INTERVALS[0] && !dependsOnInterval) continue;
      for (const apiKey of [platformKey, ownKey]) {
        const rows = await askByInfinity(target!, chosen, { url: platform.api.url, apiKey });
        t.same(rows, expected[title], `${title}, by ${interval}`);
      }
    }
  }
  t.ok(figures.total_calls > 0, `${figures.total_calls} calls`);
}
