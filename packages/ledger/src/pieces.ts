import { dayOf, defaultWindowDays, startOfDay } from '@calltally/domain';
import { type Cut, type DailyTally, StoreError, type Tallies } from '@calltally/store';

/** A part of a user's rows, those that start at or after `fromMs` and before where the part before it began. */
export interface RowsPiece {
  tallies: DailyTally[];
  /** Epoch ms; -Infinity where nothing is older. */
  fromMs: number;
}

/** So many rows take Mongo a fraction of a second; a user with fewer is one piece. */
const ROWS_MAX = 50_000;
/** Shorter than any process waits for Mongo, so that a piece given up is ended there and tried again by halves. */
const TIMEOUT_MS = 2_500;
/** Timeouts in a row that halving is tried for; beyond them Mongo is slow and not the piece large. */
const LATE_MAX = 6;
/** A span this short is added up however many rows it has. */
const SHORTEST_MS = 1_000;
const LONGEST_MS = 4 * 365 * 86_400_000;
/** Users whose spans are remembered. */
const USERS_MAX = 1_000;

/** How a user's rows are cut into pieces; a guess that each piece corrects, and no number depends on it. */
interface Course {
  spanMs: number;
  /** No row is older, as far as is known. */
  firstMs: number;
}

/**
 * Sums of rows by pieces, each bounded in rows and time: a history that fits is one piece, a longer one is cut by time,
 * the newest piece first.
 */
export class Pieces {
  readonly #tallies: Tallies;
  readonly #rowsMax: number;
  readonly #courses = new Map<string, Course>();
  #late = 0;

  constructor(tallies: Tallies, rowsMax = ROWS_MAX) {
    this.#tallies = tallies;
    this.#rowsMax = rowsMax;
  }

  /**
   * All of some users' rows, in one query.
   * @returns undefined where they are too much for one
   * @throws StoreError
   */
  async whole(userIds: readonly string[], through: Cut): Promise<DailyTally[] | undefined> {
    return this.#sum(userIds, through, -Infinity, Infinity, this.#rowsMax);
  }

  /**
   * The newest piece of a user's rows that start before `untilMs`; beyond now, it has no upper end.
   * @throws StoreError
   */
  async before(userId: string, through: Cut, untilMs: number, nowMs: number): Promise<RowsPiece> {
    const isNewest = untilMs > nowMs;
    const end = isNewest ? nowMs : untilMs;
    const course = await this.#courseOf(userId, nowMs);
    // The default window is what people look at.
    if (isNewest)
      course.spanMs = Math.min(course.spanMs, nowMs - startOfDay(dayOf(nowMs) - defaultWindowDays + 1));
    for (;;) {
      const { spanMs } = course;
      const isShortest = spanMs <= SHORTEST_MS;
      const fromMs = end - spanMs <= course.firstMs ? -Infinity : end - spanMs;
      const tallies = await this.#sum(
        [userId],
        through,
        fromMs,
        isNewest ? Infinity : untilMs,
        isShortest ? Infinity : this.#rowsMax,
      );
      if (tallies === undefined) {
        course.spanMs = Math.max(SHORTEST_MS, Math.floor(spanMs / 2));
        continue;
      }
      if (fromMs === -Infinity) this.#courses.delete(userId);
      else if (rowsOf(tallies) < this.#rowsMax / 3) course.spanMs = Math.min(LONGEST_MS, spanMs * 2);
      return { tallies, fromMs };
    }
  }

  /**
   * The rows of some users that start at or after `fromMs`, however many there are: one query where they fit, else
   * piece by piece.
   * @param onRows told how many rows were added up
   * @throws StoreError
   */
  async all(
    userIds: readonly string[],
    through: Cut,
    fromMs = -Infinity,
    onRows: (rows: number) => void = () => {},
  ): Promise<DailyTally[]> {
    const whole = await this.#sum(userIds, through, fromMs, Infinity, this.#rowsMax);
    if (whole !== undefined) {
      onRows(rowsOf(whole));
      return whole;
    }
    if (userIds.length > 1) {
      const [some, others] = halvesOf(userIds);
      return [
        ...(await this.all(some, through, fromMs, onRows)),
        ...(await this.all(others, through, fromMs, onRows)),
      ];
    }
    const tallies: DailyTally[] = [];
    const nowMs = Date.now();
    for (let untilMs = Infinity; untilMs > fromMs; ) {
      const piece = await this.before(userIds[0]!, through, untilMs, nowMs);
      for (const tally of piece.tallies) tallies.push(tally);
      onRows(rowsOf(piece.tallies));
      untilMs = piece.fromMs;
    }
    return tallies;
  }

  async #courseOf(userId: string, nowMs: number): Promise<Course> {
    const known = this.#courses.get(userId);
    if (known !== undefined) return known;
    const firstMs = (await this.#tallies.firstStart(userId)) ?? nowMs;
    const course = { firstMs, spanMs: defaultWindowDays * 86_400_000 };
    if (this.#courses.size >= USERS_MAX) this.#courses.delete(this.#courses.keys().next().value!);
    this.#courses.set(userId, course);
    return course;
  }

  /** @returns undefined where there are more rows than may be, or it takes Mongo too long */
  async #sum(
    userIds: readonly string[],
    through: Cut,
    from: number,
    until: number,
    rowsMax: number,
  ): Promise<DailyTally[] | undefined> {
    try {
      const bounds = { range: { from, until }, rowsMax, timeoutMs: TIMEOUT_MS };
      const tallies = await this.#tallies.byDay(userIds, through, bounds);
      this.#late = 0;
      return tallies;
    } catch (thrown) {
      if (!(thrown instanceof StoreError && thrown.code === 'STORE_TIMEOUT')) throw thrown;
      this.#late += 1;
      if (rowsMax === Infinity || this.#late > LATE_MAX) throw thrown;
      return undefined;
    }
  }
}

export function rowsOf(tallies: readonly DailyTally[]): number {
  return tallies.reduce((sum, { calls }) => sum + calls, 0);
}

export function halvesOf<T>(list: readonly T[]): [T[], T[]] {
  const half = Math.ceil(list.length / 2);
  return [list.slice(0, half), list.slice(half)];
}
