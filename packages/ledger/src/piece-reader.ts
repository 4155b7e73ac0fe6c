import { firstDayOfWrittenDetail, keepsDetail, NOTHING_FILLED } from '@calltally/counters';
import { DAY_MS, dayOf, defaultWindowDays, monthOf, startOfDay } from '@calltally/domain';
import {
  type DayBounds,
  type OffsetVector,
  type PartitionDayTally,
  StoreError,
  type Tallies,
} from '@calltally/store';
import type { LedgerContext } from './ledger-context.ts';

/** Sums of a user's rows that start at or after `fromMs` and before the piece read earlier. */
export interface RowsPiece {
  tallies: PartitionDayTally[];
  /** Epoch ms; -Infinity if nothing is older. */
  fromMs: number;
}

/** Most histories take Mongo a few milliseconds. Those that take longer than this are cut. */
const WHOLE_TIMEOUT_MS = 1_000;
/** Shorter than any process waits for Mongo, so that a piece that is given up also ends there. */
const PIECE_TIMEOUT_MS = 2_500;
/** Takes Mongo a few tenths of a second. */
const ROWS_WANTED = 50_000;
const FIRST_SPAN_MS = defaultWindowDays * DAY_MS;
const LONGEST_SPAN_MS = 4 * 365 * DAY_MS;
/** What remains of a span that took too long. Little, because each further attempt costs as much again. */
const CUT = 1 / 4;
/** Of one piece. The next one begins with the span that is left. */
const CUTS_MAX = 3;
/** Users whose spans are remembered. */
const USERS_MAX = 1_000;

export interface PieceLimits {
  /** A history that takes Mongo no longer than this is not cut; 0 cuts every history. */
  wholeTimeoutMs?: number;
  rowsWanted?: number;
  firstSpanMs?: number;
  /** Adds up by cell and half-hour, too. Default: yes. */
  detail?: boolean;
}

/** Of one user, so that the script which adds them keeps Redis busy for a few hundredths of a second at most. */
const TALLIES_MAX = 20_000;
/** Of these, of days that Redis keeps by cell: the others are added up by month before. */
const TALLIES_BY_DAY_MAX = 5_000;

/**
 * Adds up rows in pieces, each in bounded time. A history that can be added up at once is one piece. A longer one is cut
 * into spans, the newest first. A span is a guess that each piece corrects; no number depends on it.
 */
export class PieceReader {
  readonly #tallies: Tallies;
  readonly #limits: Required<PieceLimits>;
  readonly #spans = new Map<string, number>();

  constructor(tallies: Tallies, limits: PieceLimits = {}) {
    this.#tallies = tallies;
    this.#limits = {
      wholeTimeoutMs: WHOLE_TIMEOUT_MS,
      rowsWanted: ROWS_WANTED,
      firstSpanMs: FIRST_SPAN_MS,
      detail: true,
      ...limits,
    };
  }

  /**
   * All of some users' rows at once.
   * @returns undefined if that is too much at once
   * @throws StoreError
   */
  async whole(userIds: readonly string[], through: OffsetVector): Promise<PartitionDayTally[] | undefined> {
    return this.#whole(userIds, through, -Infinity, Infinity);
  }

  /**
   * The newest piece of a user's rows that start before `untilMs`, which may be beyond every call.
   * @throws StoreError STORE_TIMEOUT if cutting the span does not help, because Mongo is slow
   */
  async before(userId: string, through: OffsetVector, untilMs: number, nowMs: number): Promise<RowsPiece> {
    const { rowsWanted, firstSpanMs } = this.#limits;
    // The piece before may begin ahead of now, if it was filled by a clock ahead of ours.
    const isNewest = untilMs > nowMs;
    const end = Math.min(untilMs, nowMs);
    const until = untilMs < NOTHING_FILLED ? untilMs : Infinity;
    let spanMs = this.#spans.get(userId) ?? firstSpanMs;
    if (isNewest) spanMs = Math.min(spanMs, nowMs - startOfWindow(nowMs));
    else if (!this.#spans.has(userId)) {
      const rest = await this.#whole([userId], through, -Infinity, untilMs);
      if (rest !== undefined) return { tallies: rest, fromMs: -Infinity };
      this.#remember(userId, spanMs);
    }
    for (let cuts = 0; ; cuts++) {
      const fromMs = end - spanMs;
      const bounds = this.#bounds(fromMs, until, PIECE_TIMEOUT_MS);
      const work = this.#tallies.sumByDayAndPartition([userId], through, bounds);
      const tallies = await (cuts < CUTS_MAX ? unlessLate(work) : work);
      if (tallies === undefined || (areTooMany(tallies) && cuts < CUTS_MAX)) {
        spanMs = this.#remember(userId, spanMs * CUT);
        continue;
      }
      const rows = rowsOf(tallies);
      if (rows > rowsWanted) this.#remember(userId, spanMs / 2);
      else if (rows < rowsWanted / 3) {
        // If Mongo cannot tell in time, there are older ones.
        if ((await unlessLate(this.#tallies.startsBefore(userId, fromMs))) === false) {
          this.#spans.delete(userId);
          return { tallies, fromMs: -Infinity };
        }
        // Behind the newest piece, the whole rest is tried first.
        if (!isNewest) this.#remember(userId, spanMs * 2);
      }
      return { tallies, fromMs };
    }
  }

  /**
   * The rows of some users that start at or after `fromMs`, however many there are: at once if possible, else user
   * by user and piece by piece. The last piece may reach further back.
   * @param onRows told how many rows were added up
   * @throws StoreError
   */
  async all(
    userIds: readonly string[],
    through: OffsetVector,
    fromMs = -Infinity,
    onRows: (rows: number) => void = () => {},
  ): Promise<PartitionDayTally[]> {
    const whole = await this.#whole(userIds, through, fromMs, Infinity);
    if (whole !== undefined) {
      onRows(rowsOf(whole));
      return whole;
    }
    const tallies: PartitionDayTally[] = [];
    const nowMs = Date.now();
    for (const userId of userIds) {
      for (let untilMs = Infinity; untilMs > fromMs; ) {
        const piece = await this.before(userId, through, untilMs, nowMs);
        for (const tally of piece.tallies) tallies.push(tally);
        onRows(rowsOf(piece.tallies));
        untilMs = piece.fromMs;
      }
    }
    return tallies;
  }

  #remember(userId: string, span: number): number {
    const spanMs = Math.ceil(Math.min(span, LONGEST_SPAN_MS));
    // Drops the one that was set longest ago.
    this.#spans.delete(userId);
    if (this.#spans.size >= USERS_MAX) this.#spans.delete(this.#spans.keys().next().value!);
    this.#spans.set(userId, spanMs);
    return spanMs;
  }

  async #whole(userIds: readonly string[], through: OffsetVector, from: number, until: number) {
    const { wholeTimeoutMs } = this.#limits;
    if (wholeTimeoutMs === 0) return undefined;
    const bounds = { ...this.#bounds(from, until, wholeTimeoutMs), readsFew: true };
    const tallies = await unlessLate(this.#tallies.sumByDayAndPartition(userIds, through, bounds));
    return userIds.length === 1 && tallies !== undefined && areTooMany(tallies) ? undefined : tallies;
  }

  #bounds(from: number, until: number, timeoutMs: number): DayBounds {
    const detailFrom = this.#limits.detail ? firstDayOfWrittenDetail(Date.now()) : undefined;
    return { range: { from, until }, timeoutMs, detailFrom };
  }
}

/** Whether counters of a ledger have detail. */
export function hasDetail({ generations }: Pick<LedgerContext, 'generations'>): boolean {
  return [...generations.values()].some(({ cellsMax }) => cellsMax > 0);
}

/** Adds up what the counters of a ledger keep. */
export function pieceReaderOf(ledger: LedgerContext): PieceReader {
  return new PieceReader(ledger.store.tallies, { detail: hasDetail(ledger) });
}

/** Where the default window begins, epoch ms. */
export function startOfWindow(nowMs: number): number {
  return startOfDay(dayOf(nowMs) - defaultWindowDays + 1);
}

function areTooMany(tallies: readonly PartitionDayTally[]): boolean {
  if (tallies.length <= TALLIES_BY_DAY_MAX) return false;
  const nowMs = Date.now();
  const byDay = tallies.filter(({ cell, day }) => cell !== undefined && keepsDetail(monthOf(day), nowMs));
  return byDay.length > TALLIES_BY_DAY_MAX || tallies.length > TALLIES_MAX;
}

async function unlessLate<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (thrown) {
    if (thrown instanceof StoreError && thrown.code === 'STORE_TIMEOUT') return undefined;
    throw thrown;
  }
}

export function rowsOf(tallies: readonly PartitionDayTally[]): number {
  return tallies.reduce((sum, { calls, halfHour }) => (halfHour === undefined ? sum + calls : sum), 0);
}
