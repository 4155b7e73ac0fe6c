import { setTimeout as sleep } from 'node:timers/promises';
import { PROBED, Probes } from '../probes.ts';
import type { Figure } from '../results.ts';
import { median, percentile } from '../statistics.ts';
import { startService } from '../world/service.ts';

const TRAFFIC_USERS = 100;
/** Events a second, and the names of their lines. Only the first has bounds. */
const RATES = [
  { perSecond: 500, name: 'freshness', bounds: { p50: { atMost: 15 }, p99: { atMost: 60 } } },
  { perSecond: 100, name: 'freshness-100', bounds: { p50: {}, p99: {} } },
  { perSecond: 2_000, name: 'freshness-2000', bounds: { p50: {}, p99: {} } },
];
const SETTLE_MS = 3_000;
/** With a smaller share of the requested events, this would measure something else. */
const SHARE_OF_RATE_MIN = 0.95;

export const freshness: Figure = {
  name: 'freshness',
  lines: RATES.flatMap(({ name, bounds }) => [
    { name: `${name}-p50`, unit: 'ms', ...bounds.p50 },
    { name: `${name}-p99`, unit: 'ms', ...bounds.p99 },
  ]),
  async measure(bench, note) {
    const { api, calls, traffic, world } = await startService(bench, 'freshness', {
      trafficUsers: TRAFFIC_USERS,
    });
    const [key] = await world.createKeys([PROBED]);
    const probes = await Probes.start(bench, calls, api, key!);
    for (const { perSecond, name } of RATES) {
      await traffic.ask({ perSecond });
      await sleep(SETTLE_MS);
      for (let round = 1; round <= bench.rounds; round++) {
        const beganMs = performance.now();
        const before = await traffic.ask({});
        const { freshMs, pollMs, refused } = await probes.many(
          AbortSignal.timeout(bench.size(15_000, 2_000)),
        );
        if (refused > 0) throw new Error(`${refused} answers were not 200`);
        const after = await traffic.ask({});
        const seconds = (performance.now() - beganMs) / 1_000;
        const sentPerSecond = (after.acknowledged - before.acknowledged) / seconds;
        if (sentPerSecond < perSecond * SHARE_OF_RATE_MIN) {
          throw new Error(`only ${sentPerSecond} of ${perSecond} events/s were acknowledged`);
        }
        const details = { probes: freshMs.length, pollMs: median(pollMs), sentPerSecond };
        note(`${name}-p50`, { ours: median(freshMs), ...details });
        note(`${name}-p99`, { ours: percentile(freshMs, 0.99), ...details });
      }
    }
    await traffic.ask({ perSecond: 0 });
  },
};
