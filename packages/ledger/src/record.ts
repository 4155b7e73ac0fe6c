import { applyEvents, CountersError, hasGeneration, type UserEvents } from '@calltally/counters';
import type { Call } from '@calltally/domain';
import { type CallRow, type InsertOutcome, isCanonical, partitionId, toRow } from '@calltally/store';
import type { LedgerContext } from './ledger-context.ts';
import { openCold, reopen } from './open-cold.ts';

/** Consecutive events of one partition, without those that are no calls. */
export interface CallBatch {
  topicEpoch: number;
  partition: number;
  /** In order of their offsets. */
  events: readonly { offset: number; call: Call }[];
  /** The last offset that the batch covers, including events left out. */
  through: number;
  /** The partition was stored through `through` before, so the rows are expected to exist and are looked up first. */
  again?: boolean;
}

export interface Recorded {
  /** For each event, in order. `foreign` ones belong among the dead letters. */
  outcomes: InsertOutcome[];
  /** Users that were opened, because Redis did not know them or rows were missing. */
  opened: number;
}

/** A further round is needed only if somebody has made the same users cold again. */
const ROUNDS_MAX = 20;

/**
 * Records a batch. The order is the guarantee (docs/design.md, "Why the numbers are right"):
 *
 *   1. insert the rows, majority        – from here on the calls exist
 *   2. raise `stored` of the partition  – from here on users are opened at, and filled with, these rows
 *   3. apply canonical events to Redis  – adds only what the user is not applied through; opens unknown users
 *   4. checkpoint (`Checkpoints`)       – from here on a Redis that kept this checkpoint has counted them
 *   5. commit to Kafka, by the caller   – from here on they need not come again
 *
 * No step runs before the one above it is acknowledged. If the process is killed in between, the batch comes again, and
 * each step finds what was done. If `stored` came before the insert, a user could be opened at rows that do not exist
 * yet. If apply came before `stored`, a user opened in between would begin below this batch, and the next one would move
 * `applied` over it.
 *
 * Users of a master that is absent from the session are left out. Its checkpoints stay where they are, so the epoch in
 * which it is back reads these events again, or begins another generation there. For a master that was lost since, the
 * batch fails, and the next epoch decides. Users whose slot has moved, or is not noted yet, are left out until an epoch has
 * noted it; the checkpoints say so.
 *
 * A row that is missing at or below `stored` was lost by Mongo. Its call may be counted already, by this event or by
 * another one that was canonical then. So a user who gets such a row back is reopened; if their master is absent, the
 * batch fails until it is back.
 *
 * @throws StoreError, CountersError; then record the batch again
 */
export async function recordBatch(ledger: LedgerContext, batch: CallBatch): Promise<Recorded> {
  const { topicEpoch, partition, events } = batch;
  const { calls, progress } = ledger.store;
  const rows = rowsOf(batch);
  const outcomes = batch.again ? await calls.insertMissing(rows) : await calls.insert(rows);
  if (!batch.again) await progress.advanceStored(topicEpoch, partition, batch.through);
  let opened = batch.again ? await reopen(ledger, usersOfInserted(rows, outcomes)) : 0;
  let pending = byUser(events.filter((_, i) => isCanonical(outcomes[i]!))).filter(({ userId }) =>
    hasGeneration(ledger.session, ledger.generations, userId),
  );
  for (let round = 1; ; round++) {
    const tried = pending;
    const id = partitionId(topicEpoch, partition);
    const applied = await applyEvents(ledger.session, ledger.generations, id, tried);
    pending = tried.filter((_, i) => applied[i] === 'unknown');
    if (pending.length === 0) return { outcomes, opened };
    if (round === ROUNDS_MAX) {
      throw new CountersError('COUNTERS_CONTENDED', `${pending.length} users are made cold all the time`);
    }
    const cold = pending.map(({ userId }) => userId);
    opened += (await openCold(ledger, cold)).size;
    // Their events are still applied: somebody else may have opened them at a `stored` from before this batch.
  }
}

/**
 * Brings back rows that Mongo lost, of events at or below `stored`. Reopens the users of these rows, opens those that
 * Redis does not know, and leaves them to be filled. Applies nothing: a caller that reads from the middle of a partition
 * would move `applied` over events that ingest has stored but not counted yet, and ingest would then leave them out.
 *
 * @param afterFailure an attempt at this batch failed, so nobody knows whose rows it brought back: reopens all users
 * @throws StoreError, CountersError; then restore the batch again, with `afterFailure`
 */
export async function restoreBatch(
  ledger: LedgerContext,
  batch: Omit<CallBatch, 'through' | 'again'>,
  afterFailure = false,
): Promise<Recorded> {
  const rows = rowsOf(batch);
  const { calls } = ledger.store;
  // Usually nothing is missing. Then no row need be sent.
  const outcomes: InsertOutcome[] = (await calls.allPresent(rows))
    ? rows.map(() => 'redelivered')
    : await calls.insertMissing(rows);
  const all = [...new Set(rows.map((row) => row.user_id))];
  const reopened = await reopen(ledger, afterFailure ? all : usersOfInserted(rows, outcomes));
  const unknown = await openCold(ledger, all);
  return { outcomes, opened: reopened + unknown.size };
}

function rowsOf({ topicEpoch, partition, events }: Omit<CallBatch, 'through'>): CallRow[] {
  return events.map(({ offset, call }) => toRow(call, { stream: topicEpoch, partition, offset }));
}

function usersOfInserted(rows: readonly CallRow[], outcomes: readonly InsertOutcome[]): string[] {
  return [...new Set(rows.filter((_, i) => outcomes[i] === 'inserted').map((row) => row.user_id))];
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
