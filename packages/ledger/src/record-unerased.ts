import { setTimeout as sleep } from 'node:timers/promises';
import { forgetUsers } from '@calltally/counters';
import { type CallRow, type ErasureRow, isErased } from '@calltally/store';
import { LedgerError } from './errors.ts';
import type { LedgerContext } from './ledger-context.ts';
import type { Outcome, RecordedRows } from './record-rows.ts';

/** An erasure is closing for as long as it takes to read the ends of the topic. */
const CLOSING_LOOKS_MAX = 100;
const CLOSING_PAUSE_MS = 20;

/**
 * Records rows but those of erased events, whose outcome is `erased`.
 *
 * Whoever erases a user writes the erasure, then raises the version of the list, and then deletes. Here, the rows are
 * written first and the version is read then. So the deletion finds the rows, or the version shows that the user is
 * erased, and the rows are deleted here. What erased events have brought of the same calls is deleted before that, also
 * by a process that was killed between its insert and its look.
 *
 * @param record writes rows to Mongo
 * @throws StoreError, CountersError, LedgerError LEDGER_ERASURE; then record them again
 */
export async function recordUnerased(
  ledger: LedgerContext,
  rows: readonly CallRow[],
  record: (rows: readonly CallRow[]) => Promise<RecordedRows>,
): Promise<RecordedRows> {
  const { erasures } = ledger.store;
  const { known } = erasures;
  const erased = await decideErased(ledger, rows);
  const kept = [...rows.keys()].filter((i) => !erased.has(i));
  const recorded = await record(erased.size === 0 ? rows : kept.map((i) => rows[i]!));
  const all: RecordedRows =
    erased.size === 0
      ? recorded
      : inPlace(
          rows.map((): Outcome => 'erased'),
          new Map(),
          kept,
          recorded,
        );
  if ((await erasures.refresh()) === known) return all;
  const doubtful = [...rows.keys()].filter((i) => erasures.has(rows[i]!.user_id));
  if (doubtful.length === 0) return all;
  const again = await recordUnerased(
    ledger,
    doubtful.map((i) => rows[i]!),
    record,
  );
  return inPlace(all.outcomes, all.corrections, doubtful, again);
}

/** The indexes of erased rows. Deletes what erased events have left of these calls. */
async function decideErased(ledger: LedgerContext, rows: readonly CallRow[]): Promise<Set<number>> {
  const { erasures, erasedCalls } = ledger.store;
  const userIds = new Set(rows.map((row) => row.user_id).filter((userId) => erasures.has(userId)));
  const erased = new Set<number>();
  for (const [userId, erasure] of await decided(ledger, [...userIds])) {
    const rowIds: string[] = [];
    for (const [i, row] of rows.entries()) {
      if (row.user_id !== userId) continue;
      rowIds.push(row._id);
      if (isErased(erasure, row.source)) erased.add(i);
    }
    const deleted = await erasedCalls.deleteOf(erasure, rowIds);
    // They may have been filled with what is gone now. Behind the deletion, so that they are filled without it.
    if (deleted > 0 && ledger.session.holds(userId)) await forgetUsers(ledger.session, [userId]);
  }
  return erased;
}

/** Erasures of users once their ends are known. */
async function decided(
  { store }: LedgerContext,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, ErasureRow>> {
  if (userIds.length === 0) return new Map();
  for (let look = 1; look <= CLOSING_LOOKS_MAX; look++) {
    const found = await store.erasures.of(userIds);
    if ([...found.values()].every(({ state }) => state !== 'closing')) return found;
    await sleep(CLOSING_PAUSE_MS);
  }
  throw new LedgerError('LEDGER_ERASURE', 'the erasure of a user of this batch is about to be finished');
}

/** Puts what became of some rows in the place of what was known of them. */
function inPlace(
  outcomes: readonly Outcome[],
  corrections: RecordedRows['corrections'],
  indexes: readonly number[],
  some: RecordedRows,
): RecordedRows {
  const merged: RecordedRows = { outcomes: [...outcomes], corrections: new Map(corrections) };
  for (const [at, i] of indexes.entries()) {
    const before = outcomes[i];
    const after = some.outcomes[at]!;
    // The first time it was new.
    const isNew = before === 'inserted' || before === 'corrected';
    merged.outcomes[i] = after === 'redelivered' && isNew ? before : after;
    const correction = some.corrections.get(at);
    if (correction === undefined) merged.corrections.delete(i);
    else merged.corrections.set(i, correction);
  }
  return merged;
}
