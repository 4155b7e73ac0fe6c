import { availableParallelism } from 'node:os';
import type { Bench } from '../bench.ts';
import { LoadGenerator, type Throughput } from '../load/load-generator.ts';
import type { Note, Sample } from '../results.ts';
import { median, percentile, shuffled } from '../statistics.ts';
import { type SizedUser, usersBySize } from '../world/users-by-size.ts';
import { type Contestant, queryText, startContestants } from './contestants.ts';
import { ANSWERS_MIN, type Asking, latenciesInTurns, quickestOfEach } from './latencies-in-turns.ts';
import { ALTERNATIVES, CELLS, type RangeName, readLine, SIZES } from './lines.ts';

const WARM_UP_ANSWERS = 5_000;

/** Measures latencies in turns, then requests a second one after the other, for each user and range. */
export async function measureReads(bench: Bench, rounds: number, note: Note): Promise<void> {
  const given = await bench.shared(usersBySize);
  const all = await startContestants(bench, given);
  const load = new LoadGenerator(bench, 'alternatives', []);
  for (const one of all) {
    // Code is compiled and at full speed before it is measured.
    await throughput(load, one, { user: given.users[0]!, query: {} }, WARM_UP_ANSWERS);
  }
  for (const cell of CELLS) {
    const asking = { user: given.users[SIZES.indexOf(cell.size)]!, query: queryOf(cell.range, given) };
    await requireSameAnswers(all, asking);
    const chosen = await quickestOfEach(all, asking);
    const expected = await expectedPerSecond(bench, load, chosen, asking);
    for (let round = 1; round <= rounds; round++) {
      const limits = { turns: bench.size(300, 20), budgetMs: bench.size(1_500, 200) };
      const tookMs = await latenciesInTurns([...chosen.keys()], asking, limits);
      const seen = new Map<string, Seen>();
      for (const one of shuffled([...chosen.keys()])) {
        const answers = answersWithin(bench.size(800, 100), expected.get(one)!);
        const loaded = await throughput(load, one, asking, answers);
        seen.set(one.name, { tookMs: tookMs.get(one)!, ...loaded });
      }
      for (const { name } of ALTERNATIVES) {
        note(readLine(cell, name), sampleOf(seen.get('ours')!, seen.get(name)!, asking.user));
      }
    }
  }
}

/** The result of one contestant in one round. */
interface Seen extends Throughput {
  tookMs: number[];
}

function sampleOf(ours: Seen, other: Seen, { calls }: SizedUser): Sample {
  return {
    ours: median(ours.tookMs),
    other: median(other.tookMs),
    oursP99: percentile(ours.tookMs, 0.99),
    otherP99: percentile(other.tookMs, 0.99),
    otherAnswers: other.tookMs.length,
    calls,
    oursPerSecond: ours.perSecond,
    oursCores: ours.cores,
    otherPerSecond: other.perSecond,
    otherCores: other.cores,
    oursUs: ours.us,
    otherUs: other.us,
  };
}

function queryOf(range: RangeName, { from, until }: { from: number; until: number }): Record<string, string> {
  const dateOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  return range === 'window' ? {} : { start_date: dateOf(from), end_date: dateOf(until) };
}

/** All must do the same work, so they must give the same answer. The end of the default range is now, and differs. */
async function requireSameAnswers(all: readonly Contestant[], { user, query }: Asking): Promise<void> {
  let ours: string | undefined;
  for (const one of all) {
    const { data } = await one.ask(user, query);
    const text = JSON.stringify({ ...data, date_range: query.end_date && data.date_range });
    ours ??= text;
    if (text !== ours) throw new Error(`${one.name} answers ${text} where the API answers ${ours}`);
  }
}

/** How many answers each gives in a short time. First estimated from its latency, so that slow ones end, too. */
async function expectedPerSecond(
  bench: Bench,
  load: LoadGenerator,
  chosen: ReadonlyMap<Contestant, number>,
  asking: Asking,
): Promise<Map<Contestant, number>> {
  const expected = new Map<Contestant, number>();
  for (const [one, tookMs] of chosen) {
    const guessed = (1_000 / tookMs) * availableParallelism();
    const seen = await throughput(load, one, asking, answersWithin(bench.size(300, 100), guessed));
    expected.set(one, seen.perSecond);
  }
  return expected;
}

function answersWithin(ms: number, perSecond: number): number {
  return Math.max(ANSWERS_MIN, Math.ceil((perSecond * ms) / 1_000));
}

/** Over 32 connections, but no more than answers. */
function throughput(
  load: LoadGenerator,
  { server }: Contestant,
  { user, query }: Asking,
  answers: number,
): Promise<Throughput> {
  return load.throughputOfOne(server, { key: user.key, query: queryText(query), answers });
}
