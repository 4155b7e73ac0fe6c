import { DAY_MS } from '@calltally/domain';
import { Client, cutDays, latencies, wholeDays } from '../client.ts';
import { aggregate } from '../references/direct.ts';
import type { Figure } from '../results.ts';
import { median, takeTurns } from '../statistics.ts';
import { type BigAndSmall, bigAndSmall } from '../world/users-by-size.ts';

const WINDOW = { name: 'read-growth', query: () => '' };
const TWO_YEARS = {
  name: 'read-growth-two-years',
  query: wholeDays,
};

export const readGrowth: Figure = {
  name: 'read-growth',
  lines: [
    {
      name: WINDOW.name,
      unit: 'ms',
      atMost: 1.1,
    },
    { name: TWO_YEARS.name, unit: 'ms', atMost: 1.1 },
  ],
  async measure(bench, note) {
    const { api, big, small, from, until } = await bench.shared(bigAndSmall);
    const client = new Client(api.url);
    const keys = [big.key, small.key];
    for (const { name, query } of [WINDOW, TWO_YEARS]) {
      const asked = { query: query(from, until), count: bench.size(5_000, 500), source: 'counters' };
      await latencies(client, keys, asked);
      for (let round = 1; round <= bench.rounds; round++) {
        const { tookMs } = await latencies(client, keys, asked);
        note(name, { ours: median(tookMs[0]!), other: median(tookMs[1]!) });
      }
    }
    client.close();
  },
};

const HOUR_MS = 3_600_000;

export const readEdges: Figure = {
  name: 'read-edges',
  lines: [
    {
      name: 'read-edges',
      unit: 'answers/s',
      atLeast: 100,
    },
  ],
  async measure(bench, note) {
    const given = await bench.shared(bigAndSmall);
    // An hour before and after noon, so that nearly half of each edge day is read from rows: the worst case.
    const from = Math.ceil(given.from / DAY_MS) * DAY_MS + 11 * HOUR_MS;
    const until = Math.floor(given.until / DAY_MS) * DAY_MS - DAY_MS + 13 * HOUR_MS;
    const client = new Client(given.api.url);
    const query = cutDays(from, until);
    const times = bench.size(100, 10);
    for (let round = 0; round <= bench.rounds; round++) {
      const { ours, other } = await takeTurns(
        round,
        () => answered(client, given, query, times),
        () => aggregate(given.world, given.big.userId, { from, until }),
      );
      if (ours.calls !== other.calls) throw new Error(`${ours.calls} calls, but ${other.calls} rows`);
      // The first round only warms both up.
      if (round > 0) note('read-edges', { ours: 1_000 / ours.tookMs, other: 1_000 / other.tookMs });
    }
    client.close();
  },
};

async function answered(client: Client, { big }: BigAndSmall, query: string, count: number) {
  const { tookMs, last } = await latencies(client, [big.key], { query, count, source: 'counters+mongo' });
  return { tookMs: median(tookMs[0]!), calls: JSON.parse(last!.text).data.total_calls };
}
