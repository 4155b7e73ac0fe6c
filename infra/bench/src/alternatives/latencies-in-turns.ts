import { median, shuffled } from '../statistics.ts';
import type { SizedUser } from '../world/users-by-size.ts';
import type { Contestant } from './contestants.ts';

/** Fewer than that is no median. */
export const ANSWERS_MIN = 3;
const TRIAL = { turns: 100, budgetMs: 500 };

/** One user's dashboard of one range. */
export interface Asking {
  user: SizedUser;
  query: Record<string, string>;
}

/**
 * Milliseconds that the answers of each took, asked in turns, request by request; in another order each turn, as what
 * one leaves behind (caches that are cold, threads that are not done) is felt by the next.
 * @param limits.turns answers of each, at most
 * @param limits.budgetMs whoever has used up so much is asked no more, so that the slow ones do not take hours
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
 * Of those that have one name, the one whose half of the answers came sooner; all are warm after it.
 * @returns with the milliseconds that they took, in the order given
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
