import { availableParallelism } from 'node:os';
import type { Bench } from '../bench.ts';
import type { Note } from '../figure.ts';
import { LoadGenerator } from '../load/load-generator.ts';
import { median, percentile } from '../statistics.ts';
import { usersBySize } from '../world/users-by-size.ts';
import { type Contestant, queryText, startContestants } from './contestants.ts';
import { ANSWERS_MIN, type Asking, latenciesInTurns, quickestOfEach } from './latencies-in-turns.ts';
import { ALTERNATIVES, CELLS, type RangeName, readLine, SIZES } from './names.ts';
import { rotated } from './rotated.ts';

const WARM_UP_ANSWERS = 5_000;

/** Latencies in turns, then requests a second one after the other; for each user and range. */
export async function measureReads(bench: Bench, rounds: number, note: Note): Promise<void> {
  const given = await bench.shared(usersBySize);
  const all = await startContestants(bench, given);
  const load = new LoadGenerator(bench, 'alternatives', []);
  const { key } = given.users[0]!;
  for (const { server } of all) {
    // Compiled and at full speed before it is measured.
    if (server) await load.throughputOfOne(server, { key, query: '', answers: WARM_UP_ANSWERS });
  }
  for (const cell of CELLS) {
    const user = given.users[SIZES.indexOf(cell.size)]!;
    const asking = { user, query: queryOf(cell.range, given) };
    await requireSameAnswers(all, asking);
    const trial = await latenciesInTurns(all, asking, { turns: bench.size(100, 5), budgetMs: 500 });
    const chosen = quickestOfEach(trial);
    for (let round = 1; round <= rounds; round++) {
      const order = rotated([...chosen.keys()], round);
      const limits = { turns: bench.size(300, 20), budgetMs: bench.size(1_500, 200) };
      const tookMs = await latenciesInTurns(order, asking, limits);
      const perSecond = new Map<string, number>();
      for (const one of order) {
        const sum = await perSecondOf(bench, load, one, asking, chosen.get(one)!);
        if (sum !== undefined) perSecond.set(one.name, sum);
      }
      const tookMsOf = (name: string) => [...tookMs].find(([one]) => one.name === name)?.[1];
      for (const { name } of ALTERNATIVES) {
        const other = tookMsOf(name);
        if (other === undefined) continue;
        const ours = tookMsOf('ours')!;
        note(readLine(cell, name), {
          ours: median(ours),
          other: median(other),
          oursP99: percentile(ours, 0.99),
          otherP99: percentile(other, 0.99),
          oursPerSecond: perSecond.get('ours')!,
          ...(perSecond.has(name) && { otherPerSecond: perSecond.get(name)! }),
          otherAnswers: other.length,
          calls: user.calls,
        });
      }
    }
  }
}

function queryOf(range: RangeName, { from, until }: { from: number; until: number }): Record<string, string> {
  const dateOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  return range === 'window' ? {} : { start_date: dateOf(from), end_date: dateOf(until) };
}

/** What does another work is no reference. The end of the default range is now, and differs. */
async function requireSameAnswers(all: readonly Contestant[], { user, query }: Asking): Promise<void> {
  let ours: string | undefined;
  for (const one of all) {
    const { data } = await one.ask(user, query);
    const text = JSON.stringify({ ...data, date_range: query.end_date && data.date_range });
    ours ??= text;
    if (text !== ours) throw new Error(`${one.name} answers ${text} where the API answers ${ours}`);
  }
}

/** Over as many requests as take about a second by its latency, 32 at a time where there are so many. */
async function perSecondOf(
  bench: Bench,
  load: LoadGenerator,
  { server }: Contestant,
  { user, query }: Asking,
  tookMs: number,
): Promise<number | undefined> {
  if (server === undefined) return undefined;
  const withinMs = bench.size(1_000, 100) * availableParallelism();
  const answers = Math.max(ANSWERS_MIN, Math.ceil(withinMs / tookMs));
  const { perSecond } = await load.throughputOfOne(server, { key: user.key, query: queryText(query), answers });
  return perSecond;
}
