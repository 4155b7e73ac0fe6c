import {
  type CounterSession,
  firstDayOfWrittenDetail,
  readFillQueue,
  readGenerations,
  reserveUsers,
  withFillSlot,
} from '@calltally/counters';
import { DAY_MS } from '@calltally/domain';
import type { Store } from '@calltally/store';
import {
  auditUsers,
  Checkpoints,
  discardCounters,
  fillPieces,
  fillUntilComplete,
  type LedgerContext,
  type PieceLimits,
  PieceReader,
  recordBatch,
  reopen,
  repairUsers,
  replaceUsers,
  restoreBatch,
  startEpoch,
  userDaySumsOf,
} from '../../src/index.ts';
import type { Topic } from './topic.ts';
import type { Worker } from './turns.ts';

export const RETENTION_MONTHS = 1;
/** After this, nobody leaves alone what another process has begun: a slot, reserved users, a fill from the topic. */
export const RESPECT_MS = 60_000;
/** So that two fill at once. */
const SLOTS = 2;
/** How far a slow clock is behind, in ms: beyond the beginning of the newest piece. */
export const SLOW_CLOCK_MS = -20 * DAY_MS;
/** A consumer that had to start so many epochs counts as killed, and another one comes. */
const EPOCHS_MAX = 6;
/** As ingest, a consumer tries a batch again when the slot of one of its users has moved. */
const TRIES_MAX = 3;

/** What a process works with. */
export interface Process {
  worker: Worker;
  topic: Topic;
  store: Store;
  open(): CounterSession;
  /** The order of a consumer's steps, and where it begins. They differ from ingest only in a fault. */
  order: readonly ('record' | 'checkpoint' | 'commit' | 'announce')[];
  looksAtCheckpoints: boolean;
  /** As `World`. */
  cellsMax: number;
}

export type Work = (process: Process) => Promise<void>;

/**
 * A consumer of ingest: what assignment-epochs.ts, handle-fetch.ts and process-batch.ts of services/ingest do, without
 * kafkajs.
 * @param tellsAsOf whether it also does what as-of-monitor.ts does, once
 */
export function consumer(partition: number, eventsABatch: number, tellsAsOf = false): Work {
  return async (process) => {
    let session: CounterSession | undefined;
    let adoptsSlots = false;
    const isCurrent = ({ isOpen, isBehind, masters }: CounterSession) =>
      isOpen && !isBehind && masters.every(({ gone }) => gone.size === 0);
    for (let epoch = 1; epoch <= EPOCHS_MAX; epoch++) {
      const done = await unlessCut(async () => {
        if (session === undefined || !isCurrent(session)) session = process.open();
        const adopts = adoptsSlots;
        adoptsSlots = false;
        try {
          return await consume(process, session, { partition, eventsABatch, tellsAsOf, adoptsSlots: adopts });
        } catch (thrown) {
          adoptsSlots = (thrown as { code?: string }).code === 'COUNTERS_GENERATION';
          throw thrown;
        }
      });
      // Whoever left users out because their slots moved starts another epoch in a while.
      if (done && isCurrent(session!)) return;
    }
  };
}

interface Consuming {
  partition: number;
  eventsABatch: number;
  tellsAsOf: boolean;
  adoptsSlots: boolean;
}

async function consume(
  { worker, topic, store, order, looksAtCheckpoints, cellsMax }: Process,
  session: CounterSession,
  { partition, eventsABatch, tellsAsOf, adoptsSlots }: Consuming,
): Promise<boolean> {
  const states = await topic.states(worker);
  const keeps = { retentionMonths: RETENTION_MONTHS, cellsMax };
  const begin = { topicEpoch: 0, partitions: states, ...keeps, adoptsSlots };
  const { ledger, starts } = await startEpoch(store, session, begin);
  const start = starts[partition]!;
  // Another consumer went on while this one asked. Ingest looks a second time before it refuses.
  if (start.kind === 'refused') return false;
  const { storedThrough: stored } = start;
  let next = looksAtCheckpoints ? start.offset : Math.min(states[partition]!.committed ?? 0, stored + 1);
  const id = `0:${partition}`;
  const checkpoints = new Checkpoints(ledger);
  const count = async () => {
    const batch = topic.batch(partition, next, eventsABatch);
    const { through } = batch;
    const steps = {
      record: () => recordBatch(ledger, { ...batch, again: through <= stored }),
      checkpoint: () =>
        checkpoints.counted(
          id,
          through,
          batch.events.map(({ call }) => call.userId),
        ),
      commit: () => topic.commit(worker, partition, through + 1),
      announce: async () => {
        await checkpoints.counted(id, through, []);
        await checkpoints.flush();
      },
    };
    for (let tries = 1; ; tries++) {
      try {
        for (const step of order) await steps[step]();
        break;
      } catch (thrown) {
        if ((thrown as { code?: string }).code !== 'COUNTERS_MOVED' || tries === TRIES_MAX) throw thrown;
      }
    }
    next = through + 1;
  };
  while (next < topic.end(partition)) await count();
  if (!tellsAsOf) {
    await checkpoints.flush();
    return true;
  }
  const { ends, time } = await topic.probe(worker);
  while (next < ends[partition]!) await count();
  await checkpoints.flush(new Map([[id, time]]));
  if (partition === 0) await checkpoints.advanceAsOf();
  return true;
}

/** So small that a user with a few calls is filled in several pieces. */
const SMALL: PieceLimits = { wholeTimeoutMs: 0, rowsWanted: 1, firstSpanMs: 8 * DAY_MS };
/** Two pieces for a user whose calls are at most 30 days old, so that schedules can be searched. */
const HALVES: PieceLimits = { wholeTimeoutMs: 0, firstSpanMs: 15 * DAY_MS };

/**
 * What `Filler` does in ingest and the API, until nobody waits that it may fill.
 * @param emptyRounds rounds that fill nothing before it gives up
 */
export function filler(limits = SMALL, emptyRounds = 1): Work {
  return withLedger(async (ledger) => {
    const pieces = new PieceReader(ledger.store.tallies, limits);
    for (let empty = 0; empty < emptyRounds; ) {
      const { users } = await readFillQueue(ledger.session);
      const filled =
        users > 0 &&
        (await withFillSlot(ledger.session, SLOTS, async (release) => {
          const userIds = await reserveUsers(ledger.session, { empty: 2, part: 1 }, Date.now());
          return userIds.length > 0 && fillPieces(ledger, pieces, userIds, release);
        }));
      if (!filled) return;
      // Who was opened at a correction, and not at what it needs, has to wait for a consumer.
      empty = filled.pieces > 0 ? 0 : empty + 1;
    }
  }, true);
}

/** Without a queue. */
export function fill(userIds: readonly string[], rounds = Infinity): Work {
  return withLedger(async (ledger) => {
    const pieces = new PieceReader(ledger.store.tallies, HALVES);
    let left = userIds;
    for (let round = 1; round <= rounds && left.length > 0; round++) {
      const filled = await fillPieces(ledger, pieces, left);
      if (filled.pieces === 0) break;
      ({ left } = filled);
    }
  });
}

/** Operators stop a command that goes round in circles, because nobody stores what a correction needs. */
function patience(): AbortSignal {
  let checks = 0;
  const signal = {
    get aborted() {
      return ++checks > 40;
    },
  };
  return signal as AbortSignal;
}

/** What `calltally rebuild` does. With one slot, so that one waits for another. */
export function warm(userIds: readonly string[], whole = false): Work {
  return withLedger(async (ledger) => {
    await fillUntilComplete(ledger, userIds, {
      slots: 1,
      pieces: whole ? undefined : new PieceReader(ledger.store.tallies, SMALL),
      signal: patience(),
    });
  });
}

/** What `calltally verify --repair` does. */
export function repair(userIds: readonly string[]): Work {
  return withLedger(async (ledger) => {
    const pieces = new PieceReader(ledger.store.tallies, SMALL);
    await repairUsers(ledger, userIds, { slots: 1, pieces, signal: patience() });
  });
}

/** What is done about wrong counters, and by ingest about rows that came back. */
export function openAnew(userIds: readonly string[]): Work {
  return withLedger(async (ledger) => {
    await reopen(ledger, userIds);
  });
}

/** What `calltally rebuild --from kafka` does, with a topic that holds the same calls as the rows. */
export function replace(userIds: readonly string[]): Work {
  return withLedger(async (ledger) => {
    const { tallies } = ledger.store;
    await replaceUsers(ledger, userIds, async (some, cut) =>
      userDaySumsOf(
        some,
        await tallies.sumByDayAndPartition(some, cut, { detailFrom: firstDayOfWrittenDetail(Date.now()) }),
      ),
    );
  });
}

/** What `calltally rebuild --all` begins with. */
export function discard(partitions: readonly number[]): Work {
  return withLedger((ledger) => discardCounters(ledger, 0, partitions));
}

/** What `calltally verify` does. It finds nothing while counters are right, whoever counts meanwhile. */
export function audit(userIds: readonly string[], found: (differences: object[]) => void): Work {
  return withLedger(async (ledger) => {
    const { differences } = await auditUsers(ledger, userIds, {
      pieces: new PieceReader(ledger.store.tallies, SMALL),
    });
    found(differences);
  });
}

/** What `calltally replay` does, with a session of its own, and another one when that is over. */
export function replay(partition: number, from: number, eventsABatch: number): Work {
  return async (process) => {
    const { storedThrough } = process.store.progress;
    const stored = await ofOutage(() => storedThrough.call(process.store.progress));
    const end = (stored?.get(`0:${partition}`) ?? -1) + 1;
    for (let next = Math.min(from, end); next < end; ) {
      const until = Math.min(end, next + eventsABatch);
      const batch = process.topic.batch(partition, next, until - next);
      let attempts = 0;
      const restored = withLedger(async (ledger) => {
        await restoreBatch(ledger, batch, attempts > 1);
        next = until;
      });
      while (next < until && ++attempts <= EPOCHS_MAX) await restored(process);
      if (next < until) return;
    }
  };
}

/** @param allowsAbsentMasters as services do; an operator's command waits for all of them */
export function withLedger(
  work: (ledger: LedgerContext) => Promise<void>,
  allowsAbsentMasters = false,
): Work {
  return async ({ store, open }) => {
    await unlessCut(async () => {
      const session = open();
      const isEnough = allowsAbsentMasters || session.absent.length === 0;
      const generations = isEnough ? await readGenerations(session) : new Map();
      if (generations.size > 0) await work({ store, session, generations });
      session.end('done');
      return true;
    });
  };
}

export async function unlessCut(work: () => Promise<boolean>): Promise<boolean> {
  return (await ofOutage(work)) ?? false;
}

/** @returns undefined after an outage; any other failure is a bug */
async function ofOutage<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    const { code, retryable } = thrown as { code?: string; retryable?: boolean };
    if (retryable && /^(COUNTERS|STORE|LEDGER)_/.test(code ?? '')) return undefined;
    throw thrown;
  }
}
