import { Client } from '../client.ts';
import type { Figure } from '../figure.ts';
import { median } from '../statistics.ts';
import { bigAndSmall } from '../world/big-and-small.ts';

const WINDOW = { name: 'read-growth', query: () => '' };
const TWO_YEARS = {
  name: 'read-growth-two-years',
  query: (from: number, until: number) => `?start_date=${dateOf(from)}&end_date=${dateOf(until)}`,
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
    const pairs = bench.size(5_000, 500);
    for (const { name, query } of [WINDOW, TWO_YEARS]) {
      const range = query(from, until);
      await latencies(client, [big.key, small.key], range, pairs);
      for (let round = 1; round <= bench.rounds; round++) {
        const [ours, other] = await latencies(client, [big.key, small.key], range, pairs);
        note(name, { ours: median(ours!), other: median(other!) });
      }
    }
    client.close();
  },
};

/** Of each key, asked for in turns, so that whatever else the machine does falls on both alike. */
async function latencies(client: Client, keys: string[], query: string, count: number): Promise<number[][]> {
  const tookMs: number[][] = keys.map(() => []);
  for (let i = 0; i < count * keys.length; i++) {
    const turn = i % keys.length;
    const answer = await client.ask(keys[turn]!, query);
    if (answer.source !== 'counters') throw new Error(`answered from ${answer.source}`);
    tookMs[turn]!.push(answer.tookMs);
  }
  return tookMs;
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
