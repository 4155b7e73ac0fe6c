import { setTimeout as sleep } from 'node:timers/promises';
import {
  applyEvents,
  type CountableEvent,
  CountersError,
  forgetUsers,
  hasGeneration,
  type UserEvents,
} from '@calltally/counters';
import type { CallVersion } from '@calltally/domain';
import { type CallContent, type CallRow, cellOfContent, partitionId, toRow } from '@calltally/store';
import type { LedgerContext } from './ledger-context.ts';
import { openCold, reopen } from './open-cold.ts';
import { type Outcome, type RecordedRows, recordRows } from './record-rows.ts';
import { recordUnerased } from './record-unerased.ts';

/** Consecutive events of one partition, without those that are no calls. */
export interface CallBatch {
  topicEpoch: number;
  partition: number;
  /** In order of their offsets. */
  events: readonly { offset: number; call: CallVersion }[];
  /** The last offset that the batch covers, including events left out. */
  through: number;
  /** The partition was stored through `through` before, so the rows are expected to exist and are looked up first. */
  again?: boolean;
}

export interface Recorded {
  /** For each event, in order. */
  outcomes: Outcome[];
  /** Users that were opened, because Redis did not know them or rows were missing. */
  opened: number;
}

/** A further round is needed only if somebody has made the same users cold again, or for other partitions. */
const ROUNDS_MAX = 20;
/** So many rounds wait until what a correction builds on is counted by another partition. */
const WAITS_MAX = 5;
const WAIT_MS = 50;

/**
 * Records a batch. The order is the guarantee (docs/design.md, "Why the numbers are right"):
 *
 *   1. insert rows and corrections      – from here on the calls exist; but not those of erased users (`recordUnerased`)
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
 * A correction may build on an event of another partition that the user's counters do not count yet. The batch waits for
 * it a moment. Then the user is forgotten and opened at what is stored, since the other partition may be waiting for this one.
 *
 * A row that is missing at or below `stored` was lost by Mongo. Its call may be counted already, by this event or by
 * another one that was canonical then. So a user who gets such a row back is reopened; if their master is absent, the
 * batch fails until it is back.
 *
 * @throws StoreError, CountersError, LedgerError; then record the batch again
 */
export async function recordBatch(ledger: LedgerContext, batch: CallBatch): Promise<Recorded> {
  const { topicEpoch, partition, through, again = false } = batch;
  const { store } = ledger;
  const rows = rowsOf(batch);
  let isRaised = again;
  const recorded = await recordUnerased(ledger, rows, {
    record: (some) => recordRows(store, some, again),
    async advanceAt(version) {
      if (again) return false;
      isRaised = await store.progress.advanceStored(topicEpoch, partition, through, version);
      return isRaised;
    },
  });
  const { outcomes } = recorded;
  if (!isRaised) await store.progress.advanceStored(topicEpoch, partition, through);
  let opened = again ? await reopen(ledger, usersOfNew(rows, outcomes)) : 0;
  let pending = countableByUser(rows, recorded).filter(({ userId }) =>
    hasGeneration(ledger.session, ledger.generations, userId),
  );
  for (let round = 1; ; round++) {
    const tried = pending;
    const id = partitionId(topicEpoch, partition);
    const applied = await applyEvents(ledger.session, ledger.generations, id, tried);
    pending = tried.filter((_, i) => typeof applied[i] === 'string');
    if (pending.length === 0) return { outcomes, opened };
    if (round === ROUNDS_MAX) {
      throw new CountersError('COUNTERS_CONTENDED', `${pending.length} users are made cold all the time`);
    }
    const usersWith = (outcome: string) =>
      tried.flatMap(({ userId }, i) => (applied[i] === outcome ? userId : []));
    const cold = usersWith('unknown');
    const waiting = usersWith('unmet');
    if (waiting.length > 0 && round <= WAITS_MAX) await sleep(WAIT_MS);
    else {
      await forgetUsers(ledger.session, waiting);
      cold.push(...waiting);
    }
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
 * @throws StoreError, CountersError, LedgerError; then restore the batch again, with `afterFailure`
 */
export async function restoreBatch(
  ledger: LedgerContext,
  batch: Omit<CallBatch, 'through' | 'again'>,
  afterFailure = false,
): Promise<Recorded> {
  const rows = rowsOf(batch);
  const { store } = ledger;
  // Usually nothing is missing. Then no row need be sent.
  const { outcomes } = await recordUnerased(ledger, rows, {
    record: async (some) =>
      (await store.calls.allPresent(some))
        ? { outcomes: some.map(() => 'redelivered'), corrections: new Map() }
        : recordRows(store, some, true),
  });
  const all = [...new Set(rows.flatMap((row, i) => (outcomes[i] === 'erased' ? [] : row.user_id)))];
  const reopened = await reopen(ledger, afterFailure ? all : usersOfNew(rows, outcomes));
  const unknown = await openCold(ledger, all);
  return { outcomes, opened: reopened + unknown.size };
}

function rowsOf({ topicEpoch, partition, events }: Omit<CallBatch, 'through'>): CallRow[] {
  return events.map(({ offset, call }) => toRow(call, { stream: topicEpoch, partition, offset }));
}

function usersOfNew(rows: readonly CallRow[], outcomes: readonly Outcome[]): string[] {
  const isNew = (_: CallRow, i: number) => outcomes[i] === 'inserted' || outcomes[i] === 'corrected';
  return [...new Set(rows.filter(isNew).map((row) => row.user_id))];
}

/** What each user's canonical events add and take away. */
function countableByUser(rows: readonly CallRow[], { outcomes, corrections }: RecordedRows): UserEvents[] {
  const users = new Map<string, UserEvents>();
  const add = (userId: string, event: CountableEvent) => {
    const user = users.get(userId);
    if (user === undefined) users.set(userId, { userId, events: [event] });
    else user.events.push(event);
  };
  for (const [i, row] of rows.entries()) {
    const { offset } = row.source;
    const corrected = corrections.get(i);
    if (corrected !== undefined) {
      const { plus, minus } = corrected.correction;
      const needs = corrected.needs.map(({ stream, partition, offset: through }) => ({
        partition: partitionId(stream, partition),
        through,
      }));
      if (minus) add(row.user_id, { ...countable(offset, minus), correction: { sign: -1, needs } });
      if (plus) add(row.user_id, { ...countable(offset, plus), correction: { sign: 1, needs } });
    } else if (
      (outcomes[i] === 'inserted' || outcomes[i] === 'redelivered') &&
      row.started_at !== undefined
    ) {
      add(row.user_id, countable(offset, row as CallContent));
    }
  }
  return [...users.values()];
}

function countable(offset: number, content: CallContent): CountableEvent {
  const { started_at, duration_ms } = content;
  return { offset, startedAt: started_at.getTime(), durationMs: duration_ms, cell: cellOfContent(content) };
}
