import type { DashboardData } from '@calltally/domain';
import { test } from 'tap';
import type { Contestant } from '../../src/alternatives/contestants.ts';
import { ANSWERS_MIN, latenciesInTurns, quickestOfEach } from '../../src/alternatives/latencies-in-turns.ts';

const asking = { user: { userId: 'u', key: 'k', calls: 1 }, query: {} };

/** Reports a given time, and records that it was asked. */
function contestant(name: Contestant['name'], tookMs: number, asked: string[] = []): Contestant {
  return {
    name,
    server: {} as never,
    async ask() {
      asked.push(name);
      return { tookMs, data: {} as DashboardData };
    },
  };
}

test('all contestants are asked in every turn, in random order', async (t) => {
  const asked: string[] = [];
  const both = [contestant('ours', 1, asked), contestant('mongo', 2, asked)];
  const seen = await latenciesInTurns(both, asking, { turns: 50, budgetMs: 1_000 });
  const turns = Array.from({ length: 50 }, (_, i) => asked.slice(2 * i, 2 * i + 2).join());
  t.strictSame(new Set(turns), new Set(['ours,mongo', 'mongo,ours']));
  t.strictSame([...seen.keys()], both);
  t.strictSame(seen.get(both[1]!), new Array(50).fill(2));
  t.end();
});

test('a slow contestant is asked until its budget is spent, and often enough for a median', async (t) => {
  const all = [contestant('ours', 1), contestant('postgres', 30), contestant('mongo', 1_000)];
  const seen = await latenciesInTurns(all, asking, { turns: 50, budgetMs: 100 });
  t.strictSame(
    [...seen.values()].map(({ length }) => length),
    [50, 4, ANSWERS_MIN],
  );
  t.end();
});

test('of several ways to query one engine, the fastest counts', async (t) => {
  const [ours, slow, quick] = [contestant('ours', 3), contestant('mongo', 2), contestant('mongo', 1)];
  const chosen = await quickestOfEach([ours, slow, quick], asking);
  t.strictSame([...chosen.keys()], [ours, quick]);
  t.strictSame([...chosen.values()], [3, 1]);
  t.end();
});
