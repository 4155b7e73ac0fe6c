import type { CountersDigest } from '@calltally/counters';
import {
  type CellFilter,
  type DashboardWindows,
  dashboardWindows,
  parseDateRange,
  readTimeZone,
} from '@calltally/domain';
import type { CellsReader, DashboardReader } from '@calltally/ledger';
import type { LimitFunction } from 'p-limit';
import { filterOf } from '../schemas/filter-parameters.ts';
import type { StreamQuery } from '../schemas/stream.ts';
import type { Listener, Shown } from './listener.ts';
import { type Figures, figuresOf } from './sse.ts';

/** Pause between reads while nothing tells whether figures changed, or after a failed read. */
const SLOW_MS = 5_000;

interface ViewParts {
  reader: Pick<DashboardReader, 'read'>;
  /** Reads the figures of a filter. */
  cells: Pick<CellsReader, 'dashboard'>;
  /** Epoch milliseconds. */
  clock: () => number;
  /** Limits reads from counters, which are cheap. */
  quick: LimitFunction;
  /** Limits all other reads, so that background reads of rows leave connections for requests. */
  slow: LimitFunction;
  /** Called with the first error of a series of failed reads. */
  failed(thrown: unknown): void;
}

/** One user's dashboard of one query, read once for all its listeners. */
export class View implements Shown {
  readonly listeners = new Set<Listener>();
  /** Listeners, and those that wait for the first figures. */
  holders = 0;
  readonly #parts: ViewParts;
  readonly #userId: string;
  readonly #query: StreamQuery;
  /** Undefined: all calls. */
  readonly #filter: CellFilter | undefined;
  #figures: Figures | undefined;
  #asOfMs: number | undefined;
  readonly #timeZone: string | undefined;
  /** Digest of the counters, and day, at the start of the last read. */
  #stamp: string | undefined;
  /** When that day began, epoch ms. */
  #day = Number.NaN;
  #reading: Promise<void> | undefined;
  #isWaiting = false;
  #fault: unknown;
  /** When the next read without urgency may begin, in the time of `performance.now`. */
  #notBeforeMs = 0;

  constructor(parts: ViewParts, userId: string, query: StreamQuery) {
    this.#parts = parts;
    this.#userId = userId;
    this.#query = query;
    this.#filter = filterOf(query);
    this.#timeZone = readTimeZone(query.time_zone);
  }

  get figures(): Figures | undefined {
    return this.#figures;
  }

  get asOfMs(): number | undefined {
    return this.#asOfMs;
  }

  /**
   * Reads the figures as of now. Waits first for a read that is under way, since it may have begun too early.
   * @throws whatever the reader does
   */
  async refresh(): Promise<void> {
    await this.#reading;
    await this.#read();
    if (this.#fault !== undefined) throw this.#fault;
  }

  /**
   * Reads again if a read is due.
   * @param digest the counters' present digest; undefined if unknown
   * @param nowMs the clock's time, epoch ms
   * @param asOfMs as-of of the digest, epoch ms
   */
  look(digest: CountersDigest | undefined, nowMs: number, asOfMs: number | undefined): void {
    if (this.#reading !== undefined || this.#isWaiting) return;
    const day = this.#windows(nowMs).today.from;
    // A call that starts ahead of our clock enters a range that ends now only later, when no counter changes.
    const isAhead = digest !== undefined && digest.lastStartedAt > nowMs;
    const stamp = digest && `${digest.text} ${day} ${isAhead}`;
    const isSame = stamp !== undefined && stamp === this.#stamp;
    if (isSame && !isAhead && this.#fault === undefined) {
      this.#asOfMs = asOfMs ?? this.#asOfMs;
      return;
    }
    // Labels are read from every row of the range. While that is needed, changes wait for the slow pace.
    const readsRows = this.#filter !== undefined && this.#figures?.source === 'mongo';
    const hasTime = isSame || ((stamp === undefined || readsRows) && day === this.#day);
    if (hasTime && performance.now() < this.#notBeforeMs) return;
    const { quick, slow } = this.#parts;
    const isQuick = stamp !== undefined && this.#figures?.source === 'counters';
    this.#isWaiting = true;
    void (isQuick ? quick : slow)(async () => {
      this.#isWaiting = false;
      if (this.listeners.size === 0) return;
      this.#stamp = stamp;
      await this.#read();
    });
  }

  #windows(nowMs: number): DashboardWindows {
    return dashboardWindows(nowMs, this.#timeZone);
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = undefined;
      this.#notBeforeMs = performance.now() + SLOW_MS;
    });
    return this.#reading;
  }

  /** Never rejects. */
  async #readNow(): Promise<void> {
    const { reader, cells, clock, failed } = this.#parts;
    try {
      const nowMs = clock();
      const windows = this.#windows(nowMs);
      this.#day = windows.today.from;
      const range = parseDateRange(this.#query, nowMs);
      const reading = await (this.#filter === undefined
        ? reader.read(this.#userId, range, nowMs, undefined, windows)
        : cells.dashboard(this.#userId, range, this.#filter, nowMs, undefined, windows));
      this.#figures = figuresOf(reading, range, nowMs, this.#day);
      this.#asOfMs = reading.asOfMs;
      this.#fault = undefined;
      for (const listener of this.listeners) listener.send();
    } catch (thrown) {
      if (this.#fault === undefined) failed(thrown);
      this.#fault = thrown;
    }
  }
}
