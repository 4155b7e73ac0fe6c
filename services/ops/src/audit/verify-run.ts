import {
  auditUsers,
  type Difference,
  fillUntilComplete,
  type LedgerContext,
  type PieceReader,
  pieceReaderOf,
  reopen,
} from '@calltally/ledger';
import { groupsOf, USERS_A_GROUP } from './groups-of.ts';
import { inOrder, inPieces } from './in-order.ts';
import { retryOnTimeout } from './retry-on-timeout.ts';

/** Whose counters are compared: one user's, those of a random sample, or everybody's. */
export type Whom = { userId: string } | { sample: number } | { all: true };

export interface VerifyRequest {
  whom: Whom;
  repair: boolean;
  /** `FILL_SLOTS`. */
  slots: number;
  /** How the rows of a group are cut into pieces. */
  piecesOf?: (ledger: LedgerContext) => PieceReader;
}

export interface Verified {
  /** Users that were compared. */
  users: number;
  /** Users that Redis does not know. */
  cold: number;
  /** Users that are being filled. What is filled of them was compared. */
  filling: number;
  /** Users whose counters differ from their rows. */
  drifted: number;
  repaired: number;
  differences: number;
}

export interface VerifyHooks {
  onDifferences(differences: readonly Difference[]): void;
  /** Called whenever rows were added up. @param rows so far, with those of repairs */
  onProgress(sofar: Verified, rows: number): void;
}

const GROUPS_AT_ONCE = 2;

/**
 * Compares counters with rows, each user at their own offset vector, while events are counted. Repairs on request.
 * @throws CountersError, StoreError
 */
export async function verify(
  ledger: LedgerContext,
  { whom, repair, slots, piecesOf = pieceReaderOf }: VerifyRequest,
  hooks: VerifyHooks,
  signal: AbortSignal,
): Promise<Verified & { complete: boolean }> {
  const sofar: Verified = { users: 0, cold: 0, filling: 0, drifted: 0, repaired: 0, differences: 0 };
  let rows = 0;
  const onRows = (added: number) => {
    rows += added;
    hooks.onProgress(sofar, rows);
  };
  const work = async (userIds: string[]) => {
    const pieces = piecesOf(ledger);
    const audit = await retryOnTimeout(
      () =>
        auditUsers(ledger, userIds, {
          pieces,
          onRows(added) {
            signal.throwIfAborted();
            onRows(added);
          },
        }),
      signal,
    );
    const drifted = [...new Set(audit.differences.map(({ userId }) => userId))];
    if (repair) {
      await reopen(ledger, drifted);
      await retryOnTimeout(
        () => fillUntilComplete(ledger, drifted, { pieces, slots, onRows, signal }),
        signal,
      );
    }
    const isRepaired = repair && !signal.aborted;
    return { ...audit, users: userIds.length, drifted: drifted.length, isRepaired };
  };
  try {
    for await (const group of inOrder(groupsIn(ledger, whom), GROUPS_AT_ONCE, work, signal)) {
      sofar.users += group.users;
      sofar.cold += group.cold.length;
      sofar.filling += group.filling.length;
      sofar.drifted += group.drifted;
      if (group.isRepaired) sofar.repaired += group.drifted;
      sofar.differences += group.differences.length;
      hooks.onDifferences(group.differences);
      hooks.onProgress(sofar, rows);
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  }
  return { ...sofar, complete: !signal.aborted };
}

async function* groupsIn({ store }: LedgerContext, whom: Whom): AsyncGenerator<string[]> {
  if ('userId' in whom) yield [whom.userId];
  else if ('sample' in whom) yield* inPieces([await store.users.sample(whom.sample)], USERS_A_GROUP);
  else for await (const group of groupsOf(store.users.pages())) yield group.map(({ userId }) => userId);
}
