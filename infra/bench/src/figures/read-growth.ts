import { Client } from '../client.ts';
import type { Figure } from '../figure.ts';
import { latencies } from '../latencies.ts';
import { wholeDays } from '../queries.ts';
import { median } from '../statistics.ts';
import { bigAndSmall } from '../world/big-and-small.ts';

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
      compares: 'an answer for a user with 1 000 000 calls against one for a user with 10: default window',
      atMost: 1.1,
    },
    { name: TWO_YEARS.name, unit: 'ms', compares: 'the same, two years of whole days', atMost: 1.1 },
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
