import { randomUUID } from 'node:crypto';
import { dayOf, monthOf } from '@calltally/domain';
import type { FillProgress } from './add-pieces.ts';
import { type Generations, generationOf } from './generation.ts';
import { allBucketKeys, firstKeptDay, monthExpirySeconds, packBase, userKey } from './keys.ts';
import type { CounterSession } from './session.ts';

/** `since` of a user of whom nothing is filled yet: beyond every call. */
export const NOTHING_FILLED = Number.MAX_SAFE_INTEGER;

/** Users per pipeline. A batch may bring thousands, and others wait for Redis behind them. */
const CLAIMS_AT_ONCE = 1_000;
/** Fewer, because each names all bucket keys of its user: those of a large batch would keep Redis busy for seconds. */
const OPENINGS_AT_ONCE = 200;

/** What a claim finds: the user is known already, or the claim that stands. */
export type Claim = 'complete' | 'filling' | { id: string };

/**
 * Claims those users whom the counters do not know. Read what `openUsers` needs only after this.
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
    const args = [id, claim, monthExpirySeconds(monthOf(dayOf(nowMs)), retentionMonths)];
    return { userId, keys: [userKey(userId)], args };
  });
  const claims: Claim[] = [];
  for (let at = 0; at < commands.length; at += CLAIMS_AT_ONCE) {
    const replies = await session.runForUsers('claim', commands.slice(at, at + CLAIMS_AT_ONCE));
    for (const reply of replies as string[]) {
      claims.push(reply === 'complete' || reply === 'filling' ? reply : { id: reply });
    }
  }
  return claims;
}

/**
 * Opens claimed users: from now on `apply` adds events beyond `base`, and what lies at or below it is filled in pieces.
 *
 * @param claimed each with a new fill id
 * @param base by partition id, the offset through which all calls are in Mongo; read after the claim
 * @returns in the order given; undefined for a user whose claim no longer stands, because somebody else has opened them
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
  const opened: (FillProgress | undefined)[] = [];
  for (let at = 0; at < claimed.length; at += OPENINGS_AT_ONCE) {
    const some = claimed.slice(at, at + OPENINGS_AT_ONCE).map(({ userId, claim, fillId }) => {
      const { id, retentionMonths } = generationOf(session, generations, userId);
      const fromDay = firstKeptDay(today, retentionMonths);
      const expiry = monthExpirySeconds(monthOf(today), retentionMonths);
      return {
        userId,
        keys: [userKey(userId), ...allBucketKeys(userId, today, retentionMonths)],
        args: [id, claim, fillId, packed, NOTHING_FILLED, fromDay, nowMs, expiry],
        progress: { fillId, sinceMs: NOTHING_FILLED, base, fromDay, openedAtMs: nowMs },
      };
    });
    const replies = await session.runForUsers('open', some);
    for (const [i, { progress }] of some.entries()) opened.push(replies[i] === 1 ? progress : undefined);
  }
  return opened;
}

/**
 * Makes users cold. Safe at any time, because absent means unknown and never zero: the next apply finds them cold, and
 * a piece that is being summed finds its fill id gone.
 * @throws CountersError
 */
export async function forgetUsers(session: CounterSession, userIds: readonly string[]): Promise<void> {
  await Promise.all(
    [...session.byMaster(userIds)].map(([master, indexes]) =>
      session.endOnError(master, () =>
        Promise.all(indexes.map((i) => master.redis.del(userKey(userIds[i]!)))),
      ),
    ),
  );
}
