import { applyEvents, CountersError, raiseCheckpoint, type UserEvents } from '@calltally/counters';
import type { Call } from '@calltally/domain';
import { type CallRow, type InsertOutcome, isCanonical, partitionId, toRow } from '@calltally/store';
import type { LedgerContext } from './ledger-context.ts';
import { openCold, reopen } from './open.ts';

/** Events of one partition that follow each other; what could not be taken for a call is left out. */
export interface CallBatch {
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
  /** Users whose counters were opened anew, because Redis did not know them or because rows were missing. */
  opened: number;
}

/** Each further round means that somebody has made the same users cold again. */
const ROUNDS = 20;

/**
 * Records a batch. The order is the guarantee (docs/design.md, "Why the numbers are right"):
 *
 *   1. insert the rows, majority        – from here on the calls exist
 *   2. raise `stored` of the partition  – from here on who is opened is filled with them
 *   3. apply canonical events to Redis  – adds only what lies beyond the user's `applied`; unknown users are opened
 *   4. checkpoint (`writeCheckpoint`)  – from here on a Redis that kept this checkpoint has counted them
 *   5. commit to Kafka, by the caller   – from here on they need not come again
 *
 * Killed between any two, the batch comes again and each step finds done what was done. A step never runs before the
 * one above it is acknowledged. `stored` before the insert would let a user be opened at rows that are not there yet;
 * apply before `stored` would leave out events of a user who is opened at less than what comes next.
 *
 * A row that is missing at or below `stored` was lost by Mongo. The counters may have counted its call already, by this
 * event or by another one that was canonical then; so whoever gets such a row back is opened anew.
 *
 * @throws StoreError, CountersError; then the batch is to be recorded again
 */
export async function record(ledger: LedgerContext, batch: CallBatch): Promise<Recorded> {
  const { stream, partition, events } = batch;
  const { calls, progress } = ledger.store;
  const rows = rowsOf(batch);
  const outcomes = batch.again ? await calls.insertMissing(rows) : await calls.insert(rows);
  if (!batch.again) await progress.advanceStored(stream, partition, batch.through);
  const restored = batch.again ? await reopen(ledger, usersOfInserted(rows, outcomes)) : 0;
  const countable = events.filter((_, i) => isCanonical(outcomes[i]!));
  const opened = await count(ledger, partitionId(stream, partition), byUser(countable));
  return { outcomes, opened: restored + opened };
}

/**
 * Brings back rows that Mongo lost, of events at or below `stored`; opens those anew whose rows they are, and whoever
 * Redis does not know, and leaves them to be filled. Nothing is applied: whoever reads from the middle of a partition would move `applied` over events
 * that ingest has stored and not counted yet, and ingest would then leave them out.
 *
 * @param afterFailure an attempt at this batch failed, and nobody knows whose rows it brought back: all are opened anew
 * @throws StoreError, CountersError; then the batch is to be restored again, after a failure
 */
export async function restore(
  ledger: LedgerContext,
  batch: Omit<CallBatch, 'through' | 'again'>,
  afterFailure = false,
): Promise<Recorded> {
  const rows = rowsOf(batch);
  const { calls } = ledger.store;
  // Nothing is missing in an ordinary life, and then no row need be sent to say so.
  const outcomes: InsertOutcome[] = (await calls.allPresent(rows))
    ? rows.map(() => 'redelivered')
    : await calls.insertMissing(rows);
  const all = [...new Set(rows.map((row) => row.user_id))];
  const reopened = await reopen(ledger, afterFailure ? all : usersOfInserted(rows, outcomes));
  const unknown = await openCold(ledger, all);
  return { outcomes, opened: reopened + unknown.size };
}

function rowsOf({ stream, partition, events }: Omit<CallBatch, 'through'>): CallRow[] {
  return events.map(({ offset, call }) => toRow(call, { stream, partition, offset }));
}

function usersOfInserted(rows: readonly CallRow[], outcomes: readonly InsertOutcome[]): string[] {
  return [...new Set(rows.filter((_, i) => outcomes[i] === 'inserted').map((row) => row.user_id))];
}

/**
 * Notes in Redis that a partition is applied through an offset. Only after `record` of everything up to there.
 * @param checkpoint.asOfMs everything that producers had been told is safe by then (epoch ms) lies at or below `through`
 * @throws CountersError COUNTERS_GENERATION when Redis was emptied meanwhile: begin anew
 */
export async function writeCheckpoint(
  ledger: LedgerContext,
  checkpoint: { stream: number; partition: number; through: number; asOfMs?: number | undefined },
): Promise<void> {
  const partition = partitionId(checkpoint.stream, checkpoint.partition);
  await raiseCheckpoint(ledger.session, ledger.generations, {
    partition,
    through: checkpoint.through,
    asOfMs: checkpoint.asOfMs,
  });
}

/**
 * Applies users' events. Users that Redis does not know are opened, and then their events are applied like anybody's:
 * another may have opened them with a `stored` from before this batch raised it. What `base` covers is not added again.
 * @returns how many users were opened
 */
async function count(
  ledger: LedgerContext,
  partition: string,
  users: readonly UserEvents[],
): Promise<number> {
  let pending = users;
  let opened = 0;
  for (let round = 1; ; round++) {
    const tried = pending;
    const applied = await applyEvents(ledger.session, ledger.generations, partition, tried);
    pending = tried.filter((_, i) => applied[i] === 'unknown');
    if (pending.length === 0) return opened;
    if (round === ROUNDS) {
      throw new CountersError('COUNTERS_CONTENDED', `${pending.length} users are made cold all the time`);
    }
    const userIds = pending.map(({ userId }) => userId);
    opened += (await openCold(ledger, userIds)).size;
  }
}

function byUser(events: CallBatch['events']): UserEvents[] {
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
