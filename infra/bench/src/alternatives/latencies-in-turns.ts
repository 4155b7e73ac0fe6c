import { median, shuffled } from '../statistics.ts';
import type { SizedUser } from '../world/users-by-size.ts';
import type { Contestant } from './contestants.ts';

/** Fewer answers give no useful median. */
export const ANSWERS_MIN = 3;
const TRIAL = { turns: 100, budgetMs: 500 };

/** One user's dashboard of one range. */
export interface Asking {
  user: SizedUser;
  query: Record<string, string>;
}

/**
 * Milliseconds of each contestant's answers, measured in turns, request by request. The order is random in each turn,
 * because what one leaves behind (cold caches, busy threads) slows the next one down.
 * @param limits.turns most answers of each
 * @param limits.budgetMs a contestant that has used this much time drops out, so that slow ones do not take hours
 */
export async function latenciesInTurns(
  contestants: readonly Contestant[],
  { user, query }: Asking,
  { turns, budgetMs }: { turns: number; budgetMs: number },
): Promise<Map<Contestant, number[]>> {
  const seen = new Map<Contestant, number[]>(contestants.map((one) => [one, []]));
  const spentMs = new Map<Contestant, number>();
  for (let turn = 0; turn < turns; turn++) {
    for (const [one, tookMs] of shuffled([...seen])) {
      const spent = spentMs.get(one) ?? 0;
      if (spent > budgetMs && turn >= ANSWERS_MIN) continue;
      const answer = await one.ask(user, query);
      tookMs.push(answer.tookMs);
      spentMs.set(one, spent + answer.tookMs);
    }
  }
  return seen;
}

/**
 * For each name, the contestant with the lowest median. Warms up all of them.
 * @returns contestants with their medians in ms, in the given order
 */
export async function quickestOfEach(
  contestants: readonly Contestant[],
  asking: Asking,
): Promise<Map<Contestant, number>> {
  const quickest = new Map<string, [Contestant, number]>();
  for (const [one, tookMs] of await latenciesInTurns(contestants, asking, TRIAL)) {
    const half = median(tookMs);
    if (half < (quickest.get(one.name)?.[1] ?? Number.POSITIVE_INFINITY)) quickest.set(one.name, [one, half]);
  }
  return new Map(quickest.values());
}
