import { randomUUID } from 'node:crypto';
import {
  type CounterSession,
  CountersError,
  type Generations,
  installUsers,
  type LeaseRequest,
  leaseUsers,
  type RecountedUser,
  readGenerations,
} from '@calltally/counters';
import { addTallies, type Tally, ZERO_TALLY } from '@calltally/domain';
import { type Cut, cutKey, type DailyTally, type Store } from '@calltally/store';

/** Where counters rest, whose generation they are, and the rows they are made from. */
export interface Books {
  store: Store;
  session: CounterSession;
  generations: Generations;
}

/**
 * - `installed`: the counters are what the rows said, and count through `stored` as it was read here.
 * - `warm`: they were complete, so nothing was done; they may count less far than this caller knows of.
 * - `busy`, `lost`: another recount is at work, or took over.
 * - `behind`: events beyond `stored` were applied while the rows were added up.
 */
export type Recounted = 'installed' | 'warm' | 'busy' | 'lost' | 'behind';

/** Sums of each of some users, exactly those of the canonical events at or below `stored`. */
export type SumsAt = (userIds: readonly string[], stored: Cut) => Promise<RecountedUser[]>;

/** A recount of someone else's that is younger than this is left to end, by whoever is in no hurry. */
export const RESPECT_MS = 10_000;
/** Users added up by one aggregation. */
const USERS_AT_ONCE = 200;

/**
 * Makes users' counters anew from their rows. The one way to repair; takes no lock, stops nothing.
 *
 * Why it is exact while events are being counted (rule 3): the lease comes first, then `stored`, then the rows at or
 * below it, then the installation, which happens only if the lease still stands and nothing beyond `stored` has been
 * applied. Whatever comes later lies beyond the `applied` that is installed, and is added by `apply`.
 *
 * @param sumsAt what the counters are made from instead of the rows; asked after `stored` was read
 * @throws CountersError COUNTERS_GENERATION when Redis has begun another generation than the books are of
 * @throws StoreError
 */
export async function recountUsers(
  books: Books,
  userIds: readonly string[],
  request: LeaseRequest,
  sumsAt = sumsOfRows(books.store),
): Promise<Map<string, Recounted>> {
  const outcomes = new Map<string, Recounted>();
  await requireSameGenerations(books);
  for (let at = 0; at < userIds.length; at += USERS_AT_ONCE) {
    const chunk = userIds.slice(at, at + USERS_AT_ONCE);
    for (const [userId, outcome] of await recountChunk(books, chunk, request, sumsAt))
      outcomes.set(userId, outcome);
  }
  return outcomes;
}

async function recountChunk(
  { store, session, generations }: Books,
  userIds: readonly string[],
  request: LeaseRequest,
  sumsAt: SumsAt,
): Promise<Map<string, Recounted>> {
  const outcomes = new Map<string, Recounted>();
  const lease = randomUUID();
  const leasedAtMs = Date.now();
  const replies = await leaseUsers(session, generations, userIds, lease, leasedAtMs, request);
  const leased = userIds.filter((userId, i) => {
    const reply = replies[i]!;
    if (reply !== 'leased') outcomes.set(userId, reply);
    return reply === 'leased';
  });
  if (leased.length === 0) return outcomes;

  const stored = await store.progress.stored();
  const users = await sumsAt(leased, stored);

  const installed = await installUsers(session, generations, users, stored, lease, leasedAtMs);
  installed.forEach((reply, i) => {
    if (reply === 'generation') {
      throw new CountersError('COUNTERS_GENERATION', 'the counters became those of another generation');
    }
    outcomes.set(users[i]!.userId, reply);
  });
  return outcomes;
}

function sumsOfRows(store: Store): SumsAt {
  return async (userIds, stored) => recounted(userIds, await store.tallies.byDay(userIds, stored));
}

/** A process of an older generation would otherwise overwrite counters that it takes for unknown. */
export async function requireSameGenerations({ session, generations }: Books): Promise<void> {
  const current = await readGenerations(session);
  for (const [master, { id }] of generations) {
    if (current.get(master)?.id !== id) {
      throw new CountersError('COUNTERS_GENERATION', 'Redis was emptied, or began another generation');
    }
  }
}

/** What the rows say of each user, sums by UTC day whatever partition they came by. */
export function recounted(userIds: readonly string[], tallies: readonly DailyTally[]): RecountedUser[] {
  const users = new Map(
    userIds.map((userId) => [
      userId,
      { userId, days: new Map<number, Tally>(), partitions: new Set<string>(), lastStartedAt: -1 },
    ]),
  );
  for (const tally of tallies) {
    const user = users.get(tally.userId)!;
    user.days.set(tally.day, addTallies(user.days.get(tally.day) ?? ZERO_TALLY, tally));
    user.partitions.add(cutKey(tally.stream, tally.partition));
    user.lastStartedAt = Math.max(user.lastStartedAt, tally.lastStartedAt);
  }
  return [...users.values()];
}
