import { auditUsers, type Books, type Difference, repairUsers } from '@calltally/ledger';
import { inOrder, inPieces } from './in-order.ts';

/** Whose counters are compared: one user's, those of some by chance, or everybody's. */
export type Whom = { userId: string } | { sample: number } | { all: true };

export interface Verified {
  /** Users looked at. */
  users: number;
  /** Those of them that Redis does not know. */
  cold: number;
  /** Those of them whose counters are not what the rows say. */
  drifted: number;
  repaired: number;
  differences: number;
}

const USERS_A_PIECE = 200;
const PIECES_AT_ONCE = 2;

/**
 * Compares counters with rows, each user at a cut of his own, while events are counted; repairs on request.
 * @param hooks.onPiece told the differences of some users, and how many users were looked at so far
 * @throws CountersError, StoreError
 */
export async function verify(
  books: Books,
  request: { whom: Whom; repair: boolean },
  hooks: { onPiece(differences: readonly Difference[], sofar: Verified): void },
  signal: AbortSignal,
): Promise<Verified & { complete: boolean }> {
  const work = async (userIds: string[]) => {
    const { cold, differences } = await auditUsers(books, userIds);
    const drifted = [...new Set(differences.map(({ userId }) => userId))];
    if (request.repair) await repairUsers(books, drifted);
    const failed = request.repair ? [] : drifted;
    return { users: userIds.length, cold: cold.length, drifted: drifted.length, failed, differences };
  };
  const pieces = inPieces(userIdsOf(books, request.whom), USERS_A_PIECE);
  const sofar: Verified = { users: 0, cold: 0, drifted: 0, repaired: 0, differences: 0 };
  for await (const piece of inOrder(pieces, PIECES_AT_ONCE, work, signal)) {
    sofar.users += piece.users;
    sofar.cold += piece.cold;
    sofar.drifted += piece.drifted;
    sofar.repaired += piece.drifted - piece.failed.length;
    sofar.differences += piece.differences.length;
    hooks.onPiece(piece.differences, sofar);
  }
  return { ...sofar, complete: !signal.aborted };
}

async function* userIdsOf({ store }: Books, whom: Whom): AsyncGenerator<string[]> {
  if ('userId' in whom) yield [whom.userId];
  else if ('sample' in whom) yield await store.users.sample(whom.sample);
  else for await (const page of store.users.pages()) yield page.map(({ userId }) => userId);
}
