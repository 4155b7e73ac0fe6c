import { type CounterSession, readGenerations } from '@calltally/counters';
import type { Store } from '@calltally/store';
import {
  auditUsers,
  type Books,
  beginCounting,
  markCounted,
  record,
  recountUsers,
  repairUsers,
  restore,
} from '../../src/index.ts';
import type { Topic } from './topic.ts';
import type { Worker } from './turns.ts';

export const RETENTION_MONTHS = 1;
/** As long as the API leaves another's recount alone. */
export const RESPECT_MS = 10_000;
/** A consumer that had to begin this often is taken to be killed; another one comes. */
const BEGINNINGS = 6;

/** What a process of ours has at hand. */
export interface Process {
  worker: Worker;
  topic: Topic;
  store: Store;
  open(): CounterSession;
  /** In which order a consumer does its work, and from where it begins; other than in ingest only for a fault. */
  order: readonly ('record' | 'mark' | 'commit')[];
  looksAtMarks: boolean;
}

export type Work = (process: Process) => Promise<void>;

/** A consumer of ingest: what services/ingest/src/counting.ts, batches.ts and record-chunk.ts do, without kafkajs. */
export function consumer(partition: number, eventsABatch: number): Work {
  return async (process) => {
    let session: CounterSession | undefined;
    for (let beginning = 1; beginning <= BEGINNINGS; beginning++) {
      if (!session?.isOpen) session = process.open();
      const opened = session;
      const done = await unlessCut(() => consume(process, opened, partition, eventsABatch));
      if (done) return;
    }
  };
}

async function consume(
  { worker, topic, store, order, looksAtMarks }: Process,
  session: CounterSession,
  partition: number,
  eventsABatch: number,
): Promise<boolean> {
  const states = await topic.states(worker);
  const begin = { stream: 0, states, retentionMonths: RETENTION_MONTHS };
  const { books, starts } = await beginCounting(store, session, begin);
  const start = starts[partition]!;
  // Another consumer went on while this one asked: ingest looks a second time before it refuses.
  if (start.kind === 'refused') return false;
  const { stored } = start;
  let next = looksAtMarks ? start.offset : Math.min(states[partition]!.committed ?? 0, stored + 1);
  while (next < topic.end(partition)) {
    const batch = topic.batch(partition, next, eventsABatch);
    const { through } = batch;
    const steps = {
      record: () => record(books, { ...batch, again: through <= stored }),
      mark: () => markCounted(books, { stream: 0, partition, through }),
      commit: () => topic.commit(worker, partition, through + 1),
    };
    for (const step of order) await steps[step]();
    next = through + 1;
  }
  return true;
}

/** What the API does for a cold user, and `calltally rebuild` for any. */
export function recount(userIds: readonly string[], evenIfWarm: boolean, respectMs: number): Work {
  return withBooks(async (books) => {
    await recountUsers(books, userIds, { evenIfWarm, respectMs });
  });
}

/** What `calltally verify --repair` does. */
export function repair(userIds: readonly string[]): Work {
  return withBooks(async (books) => {
    await repairUsers(books, userIds);
  });
}

/** What `calltally verify` does: says nothing while counters are right, whoever counts meanwhile. */
export function audit(userIds: readonly string[], found: (differences: object[]) => void): Work {
  return withBooks(async (books) => found((await auditUsers(books, userIds)).differences));
}

/** What `calltally replay` does: with a session of its own, and another one where that is over. */
export function replay(partition: number, from: number, eventsABatch: number): Work {
  return async (process) => {
    const { stored: now } = process.store.progress;
    const stored = await ofOutage(() => now.call(process.store.progress));
    const end = (stored?.get(`0:${partition}`) ?? -1) + 1;
    for (let next = Math.min(from, end); next < end; ) {
      const until = Math.min(end, next + eventsABatch);
      const batch = process.topic.batch(partition, next, until - next);
      let attempts = 0;
      const restored = withBooks(async (books) => {
        await restore(books, batch, attempts > 1);
        next = until;
      });
      while (next < until && ++attempts <= BEGINNINGS) await restored(process);
      if (next < until) return;
    }
  };
}

function withBooks(work: (books: Books) => Promise<void>): Work {
  return async ({ store, open }) => {
    await unlessCut(async () => {
      const session = open();
      const generations = await readGenerations(session);
      if (generations.size > 0) await work({ store, session, generations });
      session.end('done');
      return true;
    });
  };
}

async function unlessCut(work: () => Promise<boolean>): Promise<boolean> {
  return (await ofOutage(work)) ?? false;
}

/** @returns undefined after an outage; anything else that goes wrong is a fault of ours */
async function ofOutage<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    const { code, retryable } = thrown as { code?: string; retryable?: boolean };
    if (retryable && /^(COUNTERS|STORE|LEDGER)_/.test(code ?? '')) return undefined;
    throw thrown;
  }
}
