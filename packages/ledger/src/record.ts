import { setTimeout as sleep } from 'node:timers/promises';
import { applyEvents, markPartition, type UserEvents } from '@calltally/counters';
import type { Call } from '@calltally/domain';
import { type CallRow, cutKey, type InsertOutcome, isCanonical, type Store, toRow } from '@calltally/store';
import { LedgerError } from './errors.ts';
import { type Books, RESPECT_MS, type Recounted, recountUsers } from './recount.ts';

/** Events of one partition that follow each other; what could not be taken for a call is left out. */
export interface Batch {
  stream: number;
  partition: number;
  /** In order of their offsets. */
  events: readonly { offset: number; call: Call }[];
  /** The last offset that the batch covers, of events left out too. */
  through: number;
  /** The partition was stored through `through` before: the rows are expected to be there, and are looked up first. */
  again?: boolean;
}

export interface Recorded {
  /** For each event, in order, what became of it; `foreign` ones belong among the dead letters. */
  outcomes: InsertOutcome[];
  /** Users whose counters were made anew from rows, because Redis did not know them or because rows were missing. */
  recounted: number;
}

/** Rounds of applying or recounting before others are taken to be too busy; each round makes progress for someone. */
const ROUNDS = 20;
const PAUSE_MS = 5;

/**
 * Takes a batch into the books. The order is the guarantee (docs/design.md, "Why the numbers are right"):
 *
 *   1. insert the rows, majority        – from here on the calls exist
 *   2. raise `stored` of the partition  – from here on a recount includes them
 *   3. apply canonical events to Redis  – adds only what lies beyond the user's `applied`
 *   4. mark, by `markCounted`           – from here on a Redis that kept this mark has counted them
 *   5. commit to Kafka, by the caller   – from here on they need not come again
 *
 * Killed between any two, the batch comes again and each step finds done what was done. A step never runs before the
 * one above it is acknowledged. `stored` before the insert would let a recount claim rows it has not seen; apply
 * before `stored` would let a recount install less than was applied.
 *
 * A row that is missing at or below `stored` was lost by Mongo. The counters may have counted its call already, by this
 * event or by another one that was canonical then; so whoever gets such a row back is recounted, and nothing is added.
 *
 * @throws StoreError, CountersError, LedgerError; then the batch is to be recorded again
 */
export async function record(books: Books, batch: Batch): Promise<Recorded> {
  const { stream, partition, events } = batch;
  const { calls, progress } = books.store;
  const rows = rowsOf(batch);
  const outcomes = batch.again ? await calls.insertMissing(rows) : await calls.insert(rows);
  if (!batch.again) await progress.raise(stream, partition, batch.through);
  const restored = batch.again ? usersOfInserted(rows, outcomes) : new Set<string>();
  const countable = events.filter(({ call }, i) => isCanonical(outcomes[i]!) && !restored.has(call.userId));
  const recounted = await count(books, cutKey(stream, partition), byUser(countable));
  await recountRestored(books, [...restored]);
  return { outcomes, recounted: recounted + restored.size };
}

/**
 * Brings back rows that Mongo lost, of events at or below `stored`, and recounts those whose rows they are, and whoever
 * Redis does not know. Nothing is applied: whoever reads from the middle of a partition would move `applied` over events
 * that ingest has stored and not counted yet, and ingest would then leave them out.
 *
 * @param afterFailure an attempt at this batch failed, and nobody knows whose rows it brought back: all are recounted
 * @throws StoreError, CountersError, LedgerError; then the batch is to be restored again, after a failure
 */
export async function restore(
  books: Books,
  batch: Omit<Batch, 'through' | 'again'>,
  afterFailure = false,
): Promise<Recorded> {
  const rows = rowsOf(batch);
  const { calls } = books.store;
  // Nothing is missing in an ordinary life, and then no row need be sent to say so.
  const outcomes: InsertOutcome[] = (await calls.areHeld(rows))
    ? rows.map(() => 'redelivered')
    : await calls.insertMissing(rows);
  const users = afterFailure ? new Set(rows.map((row) => row.user_id)) : usersOfInserted(rows, outcomes);
  await recountRestored(books, [...users]);
  const others = new Set(rows.map((row) => row.user_id).filter((userId) => !users.has(userId)));
  // Who is being recounted by another is in good hands.
  const unknown = await recountUsers(books, [...others], { evenIfWarm: false, respectMs: RESPECT_MS });
  return { outcomes, recounted: users.size + installedOf(unknown) };
}

function installedOf(outcomes: ReadonlyMap<string, Recounted>): number {
  return [...outcomes.values()].filter((outcome) => outcome === 'installed').length;
}

function rowsOf({ stream, partition, events }: Omit<Batch, 'through'>): CallRow[] {
  return events.map(({ offset, call }) => toRow(call, { stream, partition, offset }));
}

function usersOfInserted(rows: readonly CallRow[], outcomes: readonly InsertOutcome[]): Set<string> {
  return new Set(rows.filter((_, i) => outcomes[i] === 'inserted').map((row) => row.user_id));
}

/**
 * Notes in Redis that a partition is counted through an offset. Only after `record` of everything up to there.
 * @param mark.asOfMs everything that producers had been told is safe by then (epoch ms) lies at or below `through`
 * @throws CountersError COUNTERS_GENERATION when Redis was emptied meanwhile: begin anew
 */
export async function markCounted(
  books: Books,
  mark: { stream: number; partition: number; through: number; asOfMs?: number | undefined },
): Promise<void> {
  const partition = cutKey(mark.stream, mark.partition);
  await markPartition(books.session, books.generations, {
    partition,
    through: mark.through,
    asOfMs: mark.asOfMs,
  });
}

/** Notes in Mongo, for answers that come from rows, as of when all rows of these partitions are there. */
export async function markStored(
  store: Store,
  mark: { stream: number; partitions: readonly number[]; asOfMs: number },
): Promise<void> {
  await store.progress.raiseAsOf(mark.stream, mark.partitions, mark.asOfMs);
}

/**
 * Applies users' events. Users that Redis does not know are recounted from rows first, and then their events are
 * applied like anybody's: a recount may have read `stored` before this batch raised it, be it another's that finished
 * first or our own from a Mongo that is just electing a primary. What the recount included is not added again.
 * @returns how many users were recounted
 */
async function count(books: Books, partition: string, users: readonly UserEvents[]): Promise<number> {
  let pending = users;
  let recounted = 0;
  for (let round = 1; ; round++) {
    const tried = pending;
    const applied = await applyEvents(books.session, books.generations, partition, tried);
    pending = tried.filter((_, i) => applied[i] === 'unknown');
    if (pending.length === 0) return recounted;
    if (round === ROUNDS) {
      throw new LedgerError('LEDGER_CONTENDED', `${pending.length} users are being recounted elsewhere`);
    }
    if (round > 1) await sleep(PAUSE_MS * Math.random() * round);
    const outcomes = await recountUsers(
      books,
      pending.map(({ userId }) => userId),
      { evenIfWarm: false, respectMs: 0 },
    );
    recounted += installedOf(outcomes);
  }
}

/** Only a recount of our own counts as done: another's may have read the rows before ours were there. */
async function recountRestored(books: Books, userIds: readonly string[]): Promise<void> {
  let pending = userIds;
  for (let round = 1; pending.length > 0; round++) {
    if (round > ROUNDS)
      throw new LedgerError(
        'LEDGER_CONTENDED',
        `${pending.length} users are being counted or recounted elsewhere`,
      );
    if (round > 1) await sleep(PAUSE_MS * Math.random() * round);
    const done = await recountUsers(books, pending, { evenIfWarm: true, respectMs: 0 });
    pending = pending.filter((userId) => done.get(userId) !== 'installed');
  }
}

function byUser(events: Batch['events']): UserEvents[] {
  const users = new Map<string, UserEvents>();
  for (const { offset, call } of events) {
    let user = users.get(call.userId);
    if (user === undefined) {
      user = { userId: call.userId, events: [] };
      users.set(call.userId, user);
    }
    user.events.push({ offset, startedAt: call.startedAt, durationMs: call.durationMs });
  }
  return [...users.values()];
}
