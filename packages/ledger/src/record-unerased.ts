import { setTimeout as sleep } from 'node:timers/promises';
import { forgetUsers } from '@calltally/counters';
import { type CallRow, type ErasureRow, isErased } from '@calltally/store';
import { LedgerError } from './errors.ts';
import type { LedgerContext } from './ledger-context.ts';
import type { RecordedRows } from './record-rows.ts';

/** An erasure is closing for as long as it takes to read the ends of the topic. */
const CLOSING_LOOKS_MAX = 100;
const CLOSING_PAUSE_MS = 20;
/** Of calls without a row: Mongo may have lost it, and then it comes by another event. */
const ATTEMPTS_MAX = 3;
const NONE: ReadonlySet<string> = new Set();

export interface RecordSteps {
  /** Writes rows to Mongo. Idempotent. */
  record: (rows: readonly CallRow[]) => Promise<RecordedRows>;
  /**
   * The step behind the rows, if it notices at the same time that the list of erasures has another version than this one.
   * @returns false if it has, or may have
   */
  advanceAt?: (version: number) => Promise<boolean>;
}

/**
 * Records rows but those of erased events, whose outcome is `erased`.
 *
 * Whoever erases a user writes the erasure, then raises the version of the list, then tells partitions, and then deletes.
 * Here, the rows are written first and the version is looked at then. So the deletion finds the rows, or the version shows
 * that the user is erased, and they are recorded once more: what erased events have brought is deleted here.
 *
 * @throws StoreError, CountersError, LedgerError LEDGER_ERASURE; then record them again
 */
export async function recordUnerased(
  ledger: LedgerContext,
  rows: readonly CallRow[],
  steps: RecordSteps,
  attempt = 1,
): Promise<RecordedRows> {
  const { erasures } = ledger.store;
  const known = erasures.known ?? (await erasures.refresh());
  const users = await decided(
    ledger,
    rows.map((row) => row.user_id),
  );
  await deleteErased(ledger, rows, users);
  const isKept = ({ user_id, source }: CallRow) =>
    !users.has(user_id) || !isErased(users.get(user_id)!, source);
  const kept = users.size === 0 ? rows : rows.filter(isKept);
  let recorded = await steps.record(kept);
  if (kept !== rows) recorded = inPlace(allErased(rows), indexesOf(rows, isKept), recorded);
  // With rows of users who were erased before, more may be written below.
  if (users.size === 0 && (await steps.advanceAt?.(known))) return recorded;
  const isChanged = (await erasures.refresh()) !== known;
  const lacking = attempt < ATTEMPTS_MAX ? await lackingRows(ledger, kept, users) : NONE;
  if (!isChanged && lacking.size === 0) return recorded;
  const doubtful = indexesOf(
    rows,
    ({ user_id, _id }) => (isChanged && erasures.has(user_id)) || lacking.has(_id),
  );
  if (doubtful.length === 0) return recorded;
  const some = doubtful.map((i) => rows[i]!);
  const again = await recordUnerased(ledger, some, steps, isChanged ? attempt : attempt + 1);
  return inPlace(recorded, doubtful, again);
}

function allErased(rows: readonly CallRow[]): RecordedRows {
  return { outcomes: rows.map(() => 'erased'), corrections: new Map() };
}

function indexesOf(rows: readonly CallRow[], isOne: (row: CallRow) => boolean): number[] {
  return rows.flatMap((row, i) => (isOne(row) ? i : []));
}

/** Deletes what erased events have brought of the same calls, be it by a process that was killed before its look. */
async function deleteErased(
  { store, session }: LedgerContext,
  rows: readonly CallRow[],
  users: ReadonlyMap<string, ErasureRow>,
): Promise<void> {
  for (const [userId, erasure] of users) {
    const rowIds = rows.flatMap(({ user_id, _id }) => (user_id === userId ? _id : []));
    const deleted = await store.erasedCalls.deleteOf(erasure, rowIds);
    // They may have been filled with what is gone now. Behind the deletion, so that they are filled without it.
    if (deleted > 0 && session.holds(userId)) await forgetUsers(session, [userId]);
  }
}

/**
 * Calls of a new user whose event was compared with what an erased event had just brought, by a process that did not know
 * yet. When that is deleted, they have no row.
 * @returns ids of their rows
 */
async function lackingRows(
  ledger: LedgerContext,
  kept: readonly CallRow[],
  users: ReadonlyMap<string, ErasureRow>,
): Promise<ReadonlySet<string>> {
  const own = kept.filter(({ user_id }) => users.has(user_id));
  if (own.length === 0) return NONE;
  await deleteErased(ledger, own, users);
  const found = await ledger.store.calls.find(own.map(({ _id }) => _id));
  return new Set(own.flatMap(({ _id }) => (found.has(_id) ? [] : _id)));
}

/** The erasures of users, once their ends are known. */
async function decided(
  { store }: LedgerContext,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, ErasureRow>> {
  const known = new Set(userIds.filter((userId) => store.erasures.has(userId)));
  if (known.size === 0) return new Map();
  for (let look = 1; look <= CLOSING_LOOKS_MAX; look++) {
    const found = await store.erasures.of([...known]);
    if ([...found.values()].every(({ state }) => state !== 'closing')) return found;
    await sleep(CLOSING_PAUSE_MS);
  }
  throw new LedgerError('LEDGER_ERASURE', 'the erasure of a user of this batch is about to be finished');
}

/** Puts what became of some rows in the place of what was known of them. */
function inPlace(all: RecordedRows, indexes: readonly number[], some: RecordedRows): RecordedRows {
  const merged: RecordedRows = { outcomes: [...all.outcomes], corrections: new Map(all.corrections) };
  for (const [at, i] of indexes.entries()) {
    const before = all.outcomes[i]!;
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
