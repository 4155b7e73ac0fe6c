import { Client } from '../client.ts';
import type { Figure } from '../figure.ts';
import { latencies } from '../latencies.ts';
import { cutDays } from '../queries.ts';
import { aggregate } from '../references/aggregate.ts';
import { median } from '../statistics.ts';
import { takeTurns } from '../take-turns.ts';
import { type BigAndSmall, bigAndSmall } from '../world/big-and-small.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const readEdges: Figure = {
  name: 'read-edges',
  lines: [
    {
      name: 'read-edges',
      unit: 'answers/s',
      compares:
        'two years that cut both edge days, of a user with 1 000 000 calls, against the aggregation in Mongo over ' +
        'the same rows',
      atLeast: 100,
    },
  ],
  async measure(bench, note) {
    const given = await bench.shared(bigAndSmall);
    // Noon less and plus an hour, so that nearly half of each edge day is asked from rows: the most there can be.
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
      // The first one only warms both.
      if (round > 0) note('read-edges', { ours: 1_000 / ours.tookMs, other: 1_000 / other.tookMs });
    }
    client.close();
  },
};

async function answered(client: Client, { big }: BigAndSmall, query: string, count: number) {
  const { tookMs, last } = await latencies(client, [big.key], { query, count, source: 'counters+mongo' });
  return { tookMs: median(tookMs[0]!), calls: JSON.parse(last!.text).data.total_calls };
}
