import type { CounterSessionOptions } from '@calltally/counters';
import {
  Checkpoints,
  type LedgerContext,
  type PartitionOffsets,
  type PartitionStart,
  startEpoch,
} from '@calltally/ledger';
import type { Store } from '@calltally/store';
import type { Logger } from '@calltally/telemetry';
import { Backoff } from './backoff.ts';
import { CounterSessions } from './counter-sessions.ts';
import { withHeartbeats } from './heartbeats.ts';
import { logRetry } from './log-retry.ts';
import type { IngestMetrics } from './metrics.ts';
import { PartitionQueues } from './partition-queues.ts';
import { Positions } from './positions.ts';
import type { TopicAdmin } from './topic-admin.ts';

/** The ledger to record in, and the assigned partitions as of its start. */
export interface AssignmentEpoch {
  ledger: LedgerContext;
  checkpoints: Checkpoints;
  stream: number;
  /** All partitions of the topic. */
  partitions: ReadonlySet<number>;
  /** Partitions that are not read: the topic was recreated. */
  refused: ReadonlySet<number>;
  positions: Positions;
  queues: PartitionQueues;
  /** The offset that each assigned partition was stored through; -1 for none. */
  stored: ReadonlyMap<number, number>;
}

/** What the stores and the brokers said. */
interface Found {
  ledger: LedgerContext;
  stream: number;
  states: PartitionOffsets[];
  starts: PartitionStart[];
  /** As-of of each partition in Mongo, epoch ms. */
  asOf: ReadonlyMap<number, number>;
}

interface Parts {
  store: Store;
  counters: CounterSessionOptions;
  retentionMonths: number;
  /** Cells that are kept for a user and month; 0: none. Default: `CELLS_MAX`. */
  cellsMax?: number | undefined;
  topic: TopicAdmin;
  metrics: IngestMetrics;
  logger: Logger;
  /** Moves the consumer to an offset; what it has fetched of the partition becomes stale. */
  seek: (partition: number, offset: number) => void;
  /** Fetches a partition again that was paused when it was refused. */
  resume: (partition: number) => void;
  stopping: AbortSignal;
}

/**
 * Holds the current assignment epoch. Another one starts when the group assigns partitions, and when a Redis master is
 * lost, is back, or gives slots away. Each time, the checkpoints say how far Redis really counts, and partitions go back as
 * far as they must. Work of an older epoch is given up.
 */
export class AssignmentEpochs {
  readonly #parts: Parts;
  #assigned: readonly number[] = [];
  /** The offsets that the consumer fetches next, of partitions that it has fetched since they were assigned. */
  readonly #fetched = new Map<number, number>();
  readonly #sessions: CounterSessions;
  #epoch: Promise<AssignmentEpoch> | undefined;
  #current: AssignmentEpoch | undefined;
  /** The current one, or the one before it. */
  #latest: AssignmentEpoch | undefined;
  /** Whether another process has just noted the slots of a cluster. */
  #adoptsSlots = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#sessions = new CounterSessions(parts, (session) => {
      if (this.#current?.ledger.session === session) this.invalidate(this.#current);
    });
  }

  /** The current epoch, if there is one. */
  get current(): AssignmentEpoch | undefined {
    return this.#current?.ledger.session.isOpen ? this.#current : undefined;
  }

  /** Starts an epoch at once, not with the next event: the checkpoints may ask for earlier ones. */
  assign(partitions: readonly number[]): void {
    this.#assigned = partitions;
    this.#fetched.clear();
    const { refused, held, lagMessages, lagSeconds } = this.#parts.metrics;
    // Another member may have a partition now; its last sample would stay here for ever.
    for (const gauge of [refused, held, lagMessages, lagSeconds]) gauge.reset();
    this.#forget();
    if (partitions.length > 0) this.#startInBackground();
  }

  /** Notes that the consumer fetches `next` next, though the events before it may not be counted yet. */
  fetched(partition: number, next: number): void {
    this.#fetched.set(partition, next);
  }

  /**
   * Ends an epoch that may no longer match Redis, Mongo or the topic. No effect if another one is current.
   * @param reason what was thrown, if something was
   */
  invalidate(failed: AssignmentEpoch, reason?: unknown): void {
    if (this.#current !== failed) return;
    this.#adoptsSlots = adoptsAfter(reason);
    this.#forget();
    this.#startInBackground();
  }

  /**
   * The current epoch, or the next one: one search for all who ask. Waits while a store or Kafka is away.
   * @param heartbeat is called meanwhile
   * @returns undefined if ingest is stopping
   * @throws what the heartbeat throws: the group is rebalancing
   */
  async acquire(heartbeat: () => Promise<void>): Promise<AssignmentEpoch | undefined> {
    try {
      return await withHeartbeats(this.#next(), heartbeat);
    } catch (thrown) {
      if (this.#parts.stopping.aborted) return undefined;
      throw thrown;
    }
  }

  /** Ends the session; once ingest is stopping. */
  close(): void {
    this.#sessions.close();
  }

  #forget(): void {
    this.#epoch = undefined;
    this.#current = undefined;
  }

  #next(): Promise<AssignmentEpoch> {
    this.#epoch ??= this.#start();
    return this.#epoch;
  }

  #startInBackground(): void {
    // Rejects only when ingest is stopping.
    this.#next().catch(() => {});
  }

  /** @throws AbortError if ingest is stopping */
  async #start(): Promise<AssignmentEpoch> {
    const { logger, metrics, stopping } = this.#parts;
    const assigned = this.#assigned;
    const backoff = new Backoff();
    for (;;) {
      stopping.throwIfAborted();
      // After another assignment, another search is under way. If this one took its epoch too, perhaps later, batches
      // would get an epoch that is not the current one, and would be dropped for ever.
      if (assigned !== this.#assigned) return this.#next();
      try {
        const found = await this.#find();
        // Nobody would renew a session that has ended since, or whose cluster has changed: a master that is back would be
        // left out until the next change.
        const isPresent = this.#sessions.isPresent(found.ledger.session);
        if (assigned === this.#assigned && isPresent) return this.#take(found, assigned);
      } catch (thrown) {
        stopping.throwIfAborted();
        metrics.failures.inc({ code: codeOf(thrown) });
        this.#adoptsSlots = adoptsAfter(thrown);
        logRetry(logger, 'cannot start counting', thrown);
        await backoff.pause(stopping);
      }
    }
  }

  async #find(): Promise<Found> {
    const { store, topic, retentionMonths, cellsMax, stopping } = this.#parts;
    const session = await this.#sessions.open();
    stopping.throwIfAborted();
    const stream = await store.progress.currentStream();
    const states = await topic.partitions();
    const { ledger, starts } = await startEpoch(store, session, {
      topicEpoch: stream,
      partitions: states,
      retentionMonths,
      cellsMax,
      adoptsSlots: this.#adoptsSlots,
    });
    await this.#confirmRefusals(starts);
    const asOf = await store.progress.asOfByPartition(stream);
    // If the session was cut since Redis was read: only the session of a current epoch is renewed when it ends.
    if (!session.isOpen) throw await session.ended;
    return { ledger, stream, states, starts, asOf };
  }

  /**
   * The ends were read before `stored`, and another consumer may have stored an event in between. A recreated topic still
   * ends below `stored` when its end is read again.
   */
  async #confirmRefusals(starts: readonly PartitionStart[]): Promise<void> {
    const refused = starts.filter((start) => start.kind === 'refused');
    if (refused.length === 0) return;
    const { watermarks } = await this.#parts.topic.watermarksOf(refused.map(({ partition }) => partition));
    for (const { partition, storedThrough } of refused) {
      if ((watermarks.get(partition)?.end ?? 0) > storedThrough) {
        throw new Error(`partition ${partition} went on while an epoch was being started`);
      }
    }
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
        const { storedThrough, ...where } = start;
        logger.error(
          { ...where, stored: storedThrough },
          'topic was recreated, partition refused; see "calltally replay --new-stream"',
        );
        continue;
      }
      next.set(start.partition, start.offset);
      stored.set(start.partition, start.storedThrough);
      this.#reportLost(start);
      resume(start.partition);
      const fetchesNext = this.#fetched.get(start.partition) ?? state.committed ?? state.earliest;
      if (start.offset !== fetchesNext) {
        logger.info({ partition: start.partition, offset: start.offset }, 'seeking to the stored offset');
        seek(start.partition, start.offset);
      }
    }
    this.#adoptsSlots = false;
    const { ledger, stream } = found;
    const before = this.#latest?.stream === stream ? this.#latest.positions : undefined;
    const positions = new Positions(next, found.asOf, Date.now(), before);
    const partitions = new Set(found.states.map(({ partition }) => partition));
    const checkpoints = new Checkpoints(ledger);
    const queues = new PartitionQueues();
    this.#current = { ledger, checkpoints, stream, partitions, refused, positions, queues, stored };
    this.#latest = this.#current;
    return this.#current;
  }

  #reportLost(start: PartitionStart & { kind: 'at' }): void {
    if (start.lost === undefined) return;
    const { from, until } = start.lost;
    this.#parts.metrics.lostEvents.inc({ partition: start.partition }, until - from);
    this.#parts.logger.error(
      { partition: start.partition, from, until },
      'events expired before they were stored; if they had been counted, see "calltally rebuild"',
    );
  }
}

/**
 * Whoever is refused by a generation adopts the slots that it names. If they noted those that have moved since, all others
 * would be refused in their turn, and nobody would count while slots move.
 */
function adoptsAfter(thrown: unknown): boolean {
  return codeOf(thrown) === 'COUNTERS_GENERATION';
}

/** The stable code of an error, for metrics. */
export function codeOf(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'UNKNOWN';
}
