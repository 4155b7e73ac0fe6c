import { CounterSession, type CountersSettings, requireSuitableRedis } from '@calltally/counters';
import { type Books, beginCounting, type PartitionState, type Start } from '@calltally/ledger';
import type { Store } from '@calltally/store';
import type { Logger } from '@calltally/telemetry';
import { Lanes } from './lanes.ts';
import type { IngestMetrics } from './metrics.ts';
import { Positions } from './positions.ts';
import type { TopicState } from './topic.ts';
import { Backoff } from './waiting.ts';

/** One beginning: books to record in, and where the assigned partitions stand in them. */
export interface Beginning {
  books: Books;
  stream: number;
  /** All partitions that the topic had. */
  partitions: ReadonlySet<number>;
  /** Those that are not read: their topic was made anew. */
  refused: ReadonlySet<number>;
  positions: Positions;
  /** What the stores are at. */
  lanes: Lanes;
  /** For each assigned partition the offset through which everything was in Mongo when counting began; -1 for none. */
  stored: ReadonlyMap<number, number>;
}

/** What the stores and the brokers said when they were asked. */
interface Found {
  books: Books;
  stream: number;
  states: PartitionState[];
  starts: Start[];
  /** By partition, epoch ms by which everything acknowledged was in Mongo. */
  asOf: ReadonlyMap<number, number>;
}

interface Parts {
  store: Store;
  counters: CountersSettings;
  retentionMonths: number;
  topic: TopicState;
  metrics: IngestMetrics;
  logger: Logger;
  /** Moves the consumer to an offset; what it has in hand of the partition is then stale. */
  seek: (partition: number, offset: number) => void;
  /** Fetches a partition again that was paused when it was refused. */
  resume: (partition: number) => void;
}

/**
 * Holds the beginning that is good at present. Another takes its place when the group assigns partitions and when the
 * session with Redis is over: each time the marks say how far Redis really counts, and partitions go back where they
 * must. Whoever works with a beginning gives up when it is no longer the current one.
 */
export class Counting {
  readonly #parts: Parts;
  readonly #stopping = new AbortController();
  #assigned: readonly number[] = [];
  /** Offsets that the consumer fetches next, where it has gone on since the group assigned partitions. */
  readonly #fetched = new Map<number, number>();
  #session: CounterSession | undefined;
  #opening: Promise<CounterSession> | undefined;
  #beginning: Promise<Beginning> | undefined;
  #current: Beginning | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The beginning that is good now, if there is one. */
  get current(): Beginning | undefined {
    return this.#current?.books.session.isOpen ? this.#current : undefined;
  }

  /**
   * Takes over what the group has assigned. Begins at once and not with the next event, since the marks may ask for
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

  /** Gives up a beginning whose books are no longer those of Redis; no effect when another one is current. */
  renew(failed: Beginning): void {
    if (this.#current !== failed) return;
    this.#forget();
    this.#beginInBackground();
  }

  /**
   * The present beginning, or the next one; waits for as long as a store or Kafka is away.
   * @throws AbortError when ingest is stopping
   */
  begin(): Promise<Beginning> {
    this.#beginning ??= this.#begin();
    return this.#beginning;
  }

  stop(): void {
    this.#stopping.abort();
    this.#session?.end('stopping');
  }

  #forget(): void {
    this.#beginning = undefined;
    this.#current = undefined;
  }

  #beginInBackground(): void {
    // Whoever awaits the same promise is told; here only the stop can reject it.
    this.begin().catch(() => {});
  }

  async #begin(): Promise<Beginning> {
    const { logger, metrics } = this.#parts;
    const { signal } = this.#stopping;
    const assigned = this.#assigned;
    const backoff = new Backoff();
    for (;;) {
      signal.throwIfAborted();
      // Assigned anew meanwhile: another beginning is looked for already. Were this one taken too, perhaps after that one,
      // batches would be given a beginning that is not the current one, and would be dropped for ever.
      if (assigned !== this.#assigned) return this.begin();
      try {
        const found = await this.#find();
        // A session that has ended since would be nobody's to renew.
        if (assigned === this.#assigned && found.books.session.isOpen) return this.#take(found, assigned);
      } catch (thrown) {
        signal.throwIfAborted();
        metrics.failures.inc({ code: codeOf(thrown) });
        logger.warn({ err: thrown }, 'cannot begin to count yet; trying again');
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
    const { books, starts } = await beginCounting(store, session, { stream, states, retentionMonths });
    await this.#confirmRefusals(starts);
    const asOf = await store.progress.asOfByPartition(stream);
    // Cut since Redis was read. Only a beginning that is current is renewed when its session ends: this one is not yet.
    if (!session.isOpen) throw await session.ended;
    return { books, stream, states, starts, asOf };
  }

  /**
   * The ends were asked for before `stored` was read, and another consumer may have stored an event in between. A topic
   * that was made anew still ends below what is stored when it is asked again.
   */
  async #confirmRefusals(starts: readonly Start[]): Promise<void> {
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
      this.#parts.logger.warn({ err: reason }, 'the session with Redis is over');
      if (this.#current?.books.session === session) this.renew(this.#current);
    });
    return session;
  }

  #take(found: Found, assigned: readonly number[]): Beginning {
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
        logger.error(
          start,
          'the topic ends below what is stored, so it was made anew; see "calltally replay --new-stream"',
        );
        continue;
      }
      next.set(start.partition, start.offset);
      stored.set(start.partition, start.stored);
      this.#reportLost(start);
      resume(start.partition);
      const standing = this.#fetched.get(start.partition) ?? state.committed ?? state.earliest;
      if (start.offset !== standing) {
        logger.info({ partition: start.partition, offset: start.offset }, 'going to where the stores stand');
        seek(start.partition, start.offset);
      }
    }
    const positions = new Positions(next, found.asOf, Date.now());
    const { books, stream } = found;
    const partitions = new Set(found.states.map(({ partition }) => partition));
    this.#current = { books, stream, partitions, refused, positions, lanes: new Lanes(), stored };
    return this.#current;
  }

  #reportLost(start: Start & { kind: 'at' }): void {
    if (start.lost === undefined) return;
    const { from, until } = start.lost;
    this.#parts.metrics.lostEvents.inc({ partition: start.partition }, until - from);
    this.#parts.logger.error(
      { partition: start.partition, from, until },
      'the topic let go of events that are not in Mongo; where they had been counted, see "calltally rebuild"',
    );
  }
}

/** The stable code of an error, for metrics. */
export function codeOf(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'UNKNOWN';
}
