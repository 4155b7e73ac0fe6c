import { Client, inTurns } from '../../client.ts';
import { picture } from '../../picture.ts';
import type { Figure } from '../../results.ts';
import { median } from '../../statistics.ts';
import { type Dashboards, dashboards, dashboardsOf } from '../../world/dashboards.ts';
import { Points } from './points.ts';

/** In addition to the many users that the other figures request. */
const SMALLER = [100, 1_000, 10_000];

export const growthUsers: Figure = {
  name: 'growth-users',
  lines: [
    {
      name: 'growth-users',
      unit: 'ms',
    },
    {
      name: 'growth-users-bytes',
      unit: 'bytes',
    },
  ],
  pictures: ['users'],
  async measure(bench, note) {
    const most = await bench.shared(dashboards);
    const worlds: Dashboards[] = [];
    for (const users of SMALLER)
      if (users < most.userIds.length) worlds.push(await dashboardsOf(bench, users));
    worlds.push(most);
    const sizes = worlds.map(({ userIds }) => userIds.length);

    const bytes = new Points(sizes);
    note('growth-users-bytes', bytes.add(await Promise.all(worlds.map(bytesAUser))));

    const answers = new Points(sizes);
    const clients = worlds.map(({ api }) => new Client(api.url));
    const questions = worlds.map(
      ({ keys }, i) =>
        () =>
          clients[i]!.ask(oneOf(keys)),
    );
    const asked = { count: bench.size(2_000, 200), source: 'counters' };
    // Warm up the new ones, because other figures have already warmed up the first.
    for (const { load, api } of worlds) await load.throughput(api, bench.size(5, 1));
    for (let round = 1; round <= bench.rounds; round++) {
      const { tookMs } = await inTurns(questions, asked);
      note('growth-users', answers.add(tookMs.map(median)));
    }
    for (const client of clients) client.close();
    for (const { api, world } of worlds.slice(0, -1)) {
      await api.stop();
      await world.redis.stop('SIGKILL');
    }

    const x = { title: 'users', scale: 'log' } as const;
    const svg = picture('More users', [
      {
        x,
        y: { title: 'Redis, bytes a user', scale: 'linear' },
        curves: [bytes.curve('Redis, of a user with 10 calls')],
      },
      {
        x,
        y: { title: 'answer, ms', scale: 'linear' },
        curves: [answers.curve('answer, default window')],
      },
    ]);
    bench.pictures.set('users', svg);
  },
};

async function bytesAUser({ world, emptyBytes, userIds }: Dashboards): Promise<number> {
  return ((await world.redisBytes()) - emptyBytes) / userIds.length;
}

function oneOf(keys: readonly string[]): string {
  return keys[Math.floor(Math.random() * keys.length)]!;
}
