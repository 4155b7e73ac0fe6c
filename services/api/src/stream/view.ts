import type { CountersDigest } from '@calltally/counters';
import { dayOf, parseDateRange } from '@calltally/domain';
import type { DashboardReader } from '@calltally/ledger';
import type { DashboardQuery } from '../schemas/dashboard.ts';
import { type Figures, figuresOf, type Shown } from './figures.ts';
import type { Listener } from './listener.ts';
import type { Semaphore } from './semaphore.ts';

/** Pace of reading where nothing tells whether it is worth while, or where it failed. */
const SLOW_MS = 5_000;

export interface ViewParts {
  reader: Pick<DashboardReader, 'read'>;
  /** Epoch milliseconds. */
  clock: () => number;
  /** For reads from counters, which take next to no time. */
  quick: Semaphore;
  /** For all others: rows of some users are not to take every connection, and nobody waits for these. */
  slow: Semaphore;
  /** Told what a read failed with, once until it succeeds again. */
  failed(thrown: unknown): void;
}

/** One user's dashboard of one query, as all its listeners see it: read once for all of them. */
export class View implements Shown {
  readonly listeners = new Set<Listener>();
  /** Listeners, and those that wait for the first figures. */
  holders = 0;
  readonly #parts: ViewParts;
  readonly #userId: string;
  readonly #query: DashboardQuery;
  #figures: Figures | undefined;
  #asOfMs: number | undefined;
  /** What the counters were, and the UTC day, when the figures began to be read. */
  #stamp: string | undefined;
  #day = Number.NaN;
  #reading: Promise<void> | undefined;
  #isWaiting = false;
  #fault: unknown;
  /** Not before, in the time of `performance.now`, where there is no hurry. */
  #notBeforeMs = 0;

  constructor(parts: ViewParts, userId: string, query: DashboardQuery) {
    this.#parts = parts;
    this.#userId = userId;
    this.#query = query;
  }

  get figures(): Figures | undefined {
    return this.#figures;
  }

  get asOfMs(): number | undefined {
    return this.#asOfMs;
  }

  /**
   * Reads the figures as of now. A read that is under way may have begun too early, so it is waited for first.
   * @throws whatever the reader does
   */
  async refresh(): Promise<void> {
    await this.#reading;
    await this.#read();
    if (this.#fault !== undefined) throw this.#fault;
  }

  /**
   * Reads again where that is due.
   * @param version what the counters are now; undefined where nobody knows
   * @param nowMs the clock's, epoch ms
   * @param asOfMs as of when the counters were that, epoch ms
   */
  look(version: CountersDigest | undefined, nowMs: number, asOfMs: number | undefined): void {
    if (this.#reading !== undefined || this.#isWaiting) return;
    const day = dayOf(nowMs);
    // A call that starts after now, by a clock ahead of ours, comes into a range that ends now without being counted.
    const isAhead = version !== undefined && version.lastStartedAt > nowMs;
    const stamp = version && `${version.text} ${day} ${isAhead}`;
    const isSame = stamp !== undefined && stamp === this.#stamp;
    if (isSame && !isAhead && this.#fault === undefined) {
      this.#asOfMs = asOfMs ?? this.#asOfMs;
      return;
    }
    const hasTime = isSame || (stamp === undefined && day === this.#day);
    if (hasTime && performance.now() < this.#notBeforeMs) return;
    const { quick, slow } = this.#parts;
    const isQuick = stamp !== undefined && this.#figures?.source === 'counters';
    this.#isWaiting = true;
    void (isQuick ? quick : slow).run(async () => {
      this.#isWaiting = false;
      if (this.listeners.size === 0) return;
      this.#stamp = stamp;
      await this.#read();
    });
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
    const { reader, clock, failed } = this.#parts;
    try {
      const nowMs = clock();
      this.#day = dayOf(nowMs);
      const range = parseDateRange(this.#query, nowMs);
      const reading = await reader.read(this.#userId, range, nowMs);
      this.#figures = figuresOf(reading, range, this.#query, nowMs);
      this.#asOfMs = reading.asOfMs;
      this.#fault = undefined;
      for (const listener of this.listeners) listener.send();
    } catch (thrown) {
      if (this.#fault === undefined) failed(thrown);
      this.#fault = thrown;
    }
  }
}
