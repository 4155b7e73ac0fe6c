import { randomUUID } from 'node:crypto';
import { dayOf, monthOf } from '@calltally/domain';
import type { FillProgress } from './fill.ts';
import { type Generations, generationOf } from './generation.ts';
import { allBucketKeys, firstKeptDay, monthExpirySeconds, packBase, userKey } from './keys.ts';
import type { CounterSession } from './session.ts';

/** Beyond every call: nothing is filled yet. */
export const NOTHING_FILLED = Number.MAX_SAFE_INTEGER;

/** Claimed at once, and opened: a batch may bring thousands, and others wait for Redis behind them. */
const AT_ONCE = { claimed: 1_000, opened: 200 };

/** What a claim finds: how far the counters know the user already, or the claim that stands. */
export type Claim = 'complete' | 'filling' | { id: string };

/**
 * Claims those of some users whom the counters do not know. What `openUsers` is given is to be read after this.
 * @returns in the order given
 * @throws CountersError
 */
export async function claimUsers(
  session: CounterSession,
  generations: Generations,
  userIds: readonly string[],
  nowMs: number,
): Promise<Claim[]> {
  const claim = randomUUID();
  const commands = userIds.map((userId) => {
    const { id, retentionMonths } = generationOf(session, generations, userId);
    return {
      userId,
      keys: [userKey(userId)],
      args: [id, claim, monthExpirySeconds(monthOf(dayOf(nowMs)), retentionMonths)],
    };
  });
  const replies: unknown[] = [];
  for (let at = 0; at < commands.length; at += AT_ONCE.claimed) {
    replies.push(...(await session.runForUsers('claim', commands.slice(at, at + AT_ONCE.claimed))));
  }
  return (replies as string[]).map((reply) =>
    reply === 'complete' || reply === 'filling' ? reply : { id: reply },
  );
}

/**
 * Opens claimed users: from now on `apply` adds events to their counters that lie beyond `base`, and what lies at or
 * below it is filled in by pieces.
 *
 * @param claimed with a new id for the fill of each
 * @param base for each `stream:partition` the offset through which all calls are in Mongo, read after the claim
 * @returns in the order given; undefined for a user whose claim no longer stands, since another has opened them
 * @throws CountersError
 */
export async function openUsers(
  session: CounterSession,
  generations: Generations,
  claimed: readonly { userId: string; claim: string; fillId: string }[],
  base: ReadonlyMap<string, number>,
  nowMs: number,
): Promise<(FillProgress | undefined)[]> {
  const packed = packBase(base);
  const today = dayOf(nowMs);
  const commandOf = ({ userId, claim, fillId }: (typeof claimed)[number]) => {
    const { id, retentionMonths } = generationOf(session, generations, userId);
    return {
      userId,
      keys: [userKey(userId), ...allBucketKeys(userId, today, retentionMonths)],
      args: [
        id,
        claim,
        fillId,
        packed,
        NOTHING_FILLED,
        firstKeptDay(today, retentionMonths),
        nowMs,
        monthExpirySeconds(monthOf(today), retentionMonths),
      ],
    };
  };
  const replies: unknown[] = [];
  // Each names all bucket keys of its user: those of a large batch at once keep Redis busy for seconds, and us.
  for (let at = 0; at < claimed.length; at += AT_ONCE.opened) {
    const commands = claimed.slice(at, at + AT_ONCE.opened).map(commandOf);
    replies.push(...(await session.runForUsers('open', commands)));
  }
  return claimed.map(({ userId, fillId }, i) => {
    if (replies[i] !== 1) return undefined;
    const { retentionMonths } = generationOf(session, generations, userId);
    const fromDay = firstKeptDay(today, retentionMonths);
    return { fillId, sinceMs: NOTHING_FILLED, base, fromDay, openedAtMs: nowMs };
  });
}
