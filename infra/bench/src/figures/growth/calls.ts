import { Client, latencies, wholeDays } from '../../client.ts';
import { picture } from '../../picture.ts';
import { aggregate } from '../../references/direct.ts';
import type { Figure } from '../../results.ts';
import { median } from '../../statistics.ts';
import { bigAndSmall } from '../../world/users-by-size.ts';
import { Points } from './points.ts';

export const growthCalls: Figure = {
  name: 'growth-calls',
  lines: [
    {
      name: 'growth-calls',
      unit: 'ms',
    },
  ],
  pictures: ['calls'],
  async measure(bench, note) {
    const { api, world, users, from, until } = await bench.shared(bigAndSmall);
    const sizes = users.map(({ calls }) => calls);
    const [window, years, rows] = [new Points(sizes), new Points(sizes), new Points(sizes)];
    const client = new Client(api.url);
    const asked = { count: bench.size(500, 50), source: 'counters' };
    const ask = async (query: string) => {
      const keys = users.map(({ key }) => key);
      return (await latencies(client, keys, { query, ...asked })).tookMs.map(median);
    };
    for (let round = 0; round <= bench.rounds; round++) {
      const [windowMs, yearsMs] = [await ask(''), await ask(wholeDays(from, until))];
      const rowsMs: number[] = [];
      for (const { userId } of users) rowsMs.push((await aggregate(world, userId, { from, until })).tookMs);
      if (round === 0) continue; // warms all of them up
      window.add(windowMs);
      note('growth-calls', { ...years.add(yearsMs), other: rows.add(rowsMs).ours });
    }
    client.close();

    const svg = picture('More calls of one user', [
      {
        x: { title: 'calls of the user, spread over two years', scale: 'log' },
        y: { title: 'answer, ms', scale: 'log' },
        curves: [
          window.curve('default window'),
          years.curve('two years of whole days'),
          rows.curve('two years, added up by Mongo from rows'),
        ],
      },
    ]);
    bench.pictures.set('calls', svg);
  },
};
