import { CounterSession, type CounterSessionOptions, requireSuitableRedis } from '@calltally/counters';
import {
  type LedgerContext,
  type PartitionOffsets,
  type PartitionStart,
  startEpoch,
} from '@calltally/ledger';
import type { Store } from '@calltally/store';
import type { Logger } from '@calltally/telemetry';
import type { IngestMetrics } from './metrics.ts';
import { PartitionQueues } from './partition-queues.ts';
import { Positions } from './positions.ts';
import type { TopicAdmin } from './topic-admin.ts';
import { Backoff } from './waiting.ts';

/** One assignment epoch: the ledger to record in, and where the assigned partitions stand in it. */
export interface AssignmentEpoch {
  ledger: LedgerContext;
  stream: number;
  /** All partitions that the topic had. */
  partitions: ReadonlySet<number>;
  /** Those that are not read: their topic was made anew. */
  refused: ReadonlySet<number>;
  positions: Positions;
  /** What the stores are at. */
  queues: PartitionQueues;
  /** For each assigned partition the offset through which everything was in Mongo when counting began; -1 for none. */
  stored: ReadonlyMap<number, number>;
}

/** What the stores and the brokers said when they were asked. */
interface Found {
  ledger: LedgerContext;
  stream: number;
  states: PartitionOffsets[];
  starts: PartitionStart[];
  /** By partition, epoch ms by which everything acknowledged was in Mongo. */
  asOf: ReadonlyMap<number, number>;
}

interface Parts {
  store: Store;
  counters: CounterSessionOptions;
  retentionMonths: number;
  topic: TopicAdmin;
  metrics: IngestMetrics;
  logger: Logger;
  /** Moves the consumer to an offset; what it has in hand of the partition is then stale. */
  seek: (partition: number, offset: number) => void;
  /** Fetches a partition again that was paused when it was refused. */
  resume: (partition: number) => void;
}

/**
 * Holds the current assignment epoch. Another starts when the group assigns partitions and when the Redis session
 * ends: each time the checkpoints say how far Redis really counts, and partitions go back where they must. Work of an
 * epoch that is no longer the current one is given up.
 */
export class AssignmentEpochs {
  readonly #parts: Parts;
  readonly #stopping = new AbortController();
  #assigned: readonly number[] = [];
  /** Offsets that the consumer fetches next, where it has gone on since the group assigned partitions. */
  readonly #fetched = new Map<number, number>();
  #session: CounterSession | undefined;
  #opening: Promise<CounterSession> | undefined;
  #epoch: Promise<AssignmentEpoch> | undefined;
  #current: AssignmentEpoch | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The current epoch, if there is one. */
  get current(): AssignmentEpoch | undefined {
    return this.#current?.ledger.session.isOpen ? this.#current : undefined;
  }

  /**
   * Takes over what the group has assigned. Begins at once and not with the next event, since the checkpoints may ask for
   * what lies before it.
   */
  assign(partitions: readonly number[]): void {
    this.#assigned = partitions;
    this.#fetched.clear();
    const { refused, held, lagMessages, lagSeconds } = this.#parts.metrics;
    // A partition that another member has now would otherwise keep its last sample here for ever.
    for (const gauge of [refused, held, lagMessages, lagSeconds]) gauge.reset();
    this.#forget();
    if (partitions.length > 0) this.#beginInBackground();
  }

  /** Notes that the consumer goes on with `next`, though what lies before it may not be counted yet. */
  fetched(partition: number, next: number): void {
    this.#fetched.set(partition, next);
  }

  /** Ends an epoch whose ledger no longer matches Redis; no effect when another one is current. */
  invalidate(failed: AssignmentEpoch): void {
    if (this.#current !== failed) return;
    this.#forget();
    this.#beginInBackground();
  }

  /**
   * The current epoch, or the next one; waits for as long as a store or Kafka is away.
   * @throws AbortError when ingest is stopping
   */
  begin(): Promise<AssignmentEpoch> {
    this.#epoch ??= this.#begin();
    return this.#epoch;
  }

  stop(): void {
    this.#stopping.abort();
    this.#session?.end('stopping');
  }

  #forget(): void {
    this.#epoch = undefined;
    this.#current = undefined;
  }

  #beginInBackground(): void {
    // Whoever awaits the same promise is told; here only the stop can reject it.
    this.begin().catch(() => {});
  }

  async #begin(): Promise<AssignmentEpoch> {
    const { logger, metrics } = this.#parts;
    const { signal } = this.#stopping;
    const assigned = this.#assigned;
    const backoff = new Backoff();
    for (;;) {
      signal.throwIfAborted();
      // Assigned anew meanwhile: another epoch is looked for already. Were this one taken too, perhaps after that one,
      // batches would be given an epoch that is not the current one, and would be dropped for ever.
      if (assigned !== this.#assigned) return this.begin();
      try {
        const found = await this.#find();
        // A session that has ended since would be nobody's to renew.
        if (assigned === this.#assigned && found.ledger.session.isOpen) return this.#take(found, assigned);
      } catch (thrown) {
        signal.throwIfAborted();
        metrics.failures.inc({ code: codeOf(thrown) });
        logger.warn({ err: thrown }, 'cannot start counting, retrying');
        await backoff.pause(signal);
      }
    }
  }

  async #find(): Promise<Found> {
    const { store, topic, retentionMonths } = this.#parts;
    const session = await this.#openSession();
    this.#stopping.signal.throwIfAborted();
    const stream = await store.progress.currentStream();
    const states = await topic.partitions();
    const { ledger, starts } = await startEpoch(store, session, { stream, states, retentionMonths });
    await this.#confirmRefusals(starts);
    const asOf = await store.progress.asOfByPartition(stream);
    // Cut since Redis was read. Only a current epoch is renewed when its session ends: this one is not current yet.
    if (!session.isOpen) throw await session.ended;
    return { ledger, stream, states, starts, asOf };
  }

  /**
   * The ends were asked for before `stored` was read, and another consumer may have stored an event in between. A topic
   * that was made anew still ends below what is stored when it is asked again.
   */
  async #confirmRefusals(starts: readonly PartitionStart[]): Promise<void> {
    const refused = starts.filter((start) => start.kind === 'refused');
    if (refused.length === 0) return;
    const watermarks = await this.#parts.topic.watermarks();
    for (const { partition, stored } of refused) {
      if ((watermarks.get(partition)?.end ?? 0) > stored) {
        throw new Error(`partition ${partition} went on while its beginning was looked for`);
      }
    }
  }

  /** One session for all who begin at the same time: nobody would end another one. */
  async #openSession(): Promise<CounterSession> {
    if (this.#session?.isOpen) return this.#session;
    this.#opening ??= this.#openNewSession().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openNewSession(): Promise<CounterSession> {
    const session = await CounterSession.open(this.#parts.counters);
    try {
      if (!(await requireSuitableRedis(session))) {
        this.#parts.logger.warn(
          'Redis does not tell its settings; make sure that maxmemory-policy is noeviction',
        );
      }
    } catch (thrown) {
      session.end('refused');
      throw thrown;
    }
    this.#session = session;
    if (this.#stopping.signal.aborted) session.end('stopping');
    void session.ended.then((reason) => {
      if (this.#stopping.signal.aborted) return;
      this.#parts.logger.warn({ err: reason }, 'Redis session ended, opening another');
      if (this.#current?.ledger.session === session) this.invalidate(this.#current);
    });
    return session;
  }

  #take(found: Found, assigned: readonly number[]): AssignmentEpoch {
    const { metrics, logger, seek, resume } = this.#parts;
    const refused = new Set<number>();
    const next = new Map<number, number>();
    const stored = new Map<number, number>();
    for (const state of found.states) {
      const start = found.starts.find(({ partition }) => partition === state.partition)!;
      if (!assigned.includes(state.partition)) continue;
      metrics.refused.set({ partition: state.partition }, start.kind === 'refused' ? 1 : 0);
      if (start.kind === 'refused') {
        refused.add(start.partition);
        logger.error(start, 'topic was recreated, partition refused; see "calltally replay --new-stream"');
        continue;
      }
      next.set(start.partition, start.offset);
      stored.set(start.partition, start.stored);
      this.#reportLost(start);
      resume(start.partition);
      const standing = this.#fetched.get(start.partition) ?? state.committed ?? state.earliest;
      if (start.offset !== standing) {
        logger.info({ partition: start.partition, offset: start.offset }, 'seeking to the stored offset');
        seek(start.partition, start.offset);
      }
    }
    const positions = new Positions(next, found.asOf, Date.now());
    const { ledger, stream } = found;
    const partitions = new Set(found.states.map(({ partition }) => partition));
    this.#current = { ledger, stream, partitions, refused, positions, queues: new PartitionQueues(), stored };
    return this.#current;
  }

  #reportLost(start: PartitionStart & { kind: 'at' }): void {
    if (start.lost === undefined) return;
    const { from, until } = start.lost;
    this.#parts.metrics.lostEvents.inc({ partition: start.partition }, until - from);
    this.#parts.logger.error(
      { partition: start.partition, from, until },
      'events expired before they were stored; for those that were counted already see "calltally rebuild"',
    );
  }
}

/** The stable code of an error, for metrics. */
export function codeOf(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'UNKNOWN';
}
