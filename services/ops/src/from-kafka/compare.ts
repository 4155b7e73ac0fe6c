import {
  auditUsers,
  type Difference,
  type LedgerContext,
  PieceReader,
  type SumsAt,
  type TopicSums,
  userDaySumsOf,
} from '@calltally/ledger';
import type { Store } from '@calltally/store';
import { inPieces } from '../audit/in-order.ts';
import type { ErasedEvents } from './erased-events.ts';

const USERS_A_PIECE = 200;

interface Sides {
  store: Store;
  sums: TopicSums;
  sumsAt: SumsAt;
  erased: ErasedEvents;
  /** Does work with the ledger, with retries. */
  use<T>(work: (ledger: LedgerContext) => Promise<T>): Promise<T>;
}

/**
 * Compares the new counters with Mongo, for all users of the topic or of Mongo.
 * @throws CountersError, StoreError, and what `sumsAt` throws
 */
export async function* compareWithMongo(
  sides: Sides,
): AsyncGenerator<{ users: number; differences: Difference[] }> {
  const { store, sums, use } = sides;
  const unseen = new Set(sums.users.ids());
  const compare = async (userIds: string[]) => {
    const { differences } = await use((ledger) => auditUsers(ledger, userIds));
    const unknown = userIds.filter((userId) => !sums.users.has(userId));
    differences.push(...(await use(() => missingOnTopic(sides, unknown))));
    return { users: userIds.length, differences };
  };
  for await (const piece of inPieces(store.users.pages(), USERS_A_PIECE)) {
    for (const { userId } of piece) unseen.delete(userId);
    yield compare(piece.map(({ userId }) => userId));
  }
  for await (const piece of inPieces([[...unseen]], USERS_A_PIECE)) yield compare(piece);
}

/** Users who have rows, but no event on the topic. Their counters do not show it, since they are filled from Mongo. */
async function missingOnTopic(
  { store, sumsAt, erased }: Sides,
  unknown: readonly string[],
): Promise<Difference[]> {
  if (unknown.length === 0) return [];
  const changed = await erased.changed();
  const userIds = unknown.filter((userId) => !changed.has(userId));
  const stored = await store.progress.storedThrough();
  const onTopic = await sumsAt(userIds, stored);
  const inMongo = userDaySumsOf(
    userIds,
    await new PieceReader(store.tallies, { detail: false }).all(userIds, stored),
  );
  return inMongo.flatMap(({ userId, days }, i) => {
    if (days.size === 0 || onTopic[i]!.days.size > 0) return [];
    const calls = [...days.values()].reduce((sum, tally) => sum + tally.calls, 0);
    return [{ userId, bucket: 'topic', has: { calls: 0 }, shouldHave: { calls } }];
  });
}
