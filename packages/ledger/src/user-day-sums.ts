import { type Detail, keepsDetail, type UserDaySums } from '@calltally/counters';
import {
  addTally,
  type Call,
  type Cell,
  type CellDayTally,
  cellKey,
  cellOf,
  dayOf,
  dayOfHalfHour,
  firstDayOfMonth,
  halfHourOf,
  monthOf,
  type Tally,
} from '@calltally/domain';
import { type CorrectionRow, cellOfContent, type PartitionDayTally, partitionId } from '@calltally/store';

interface UserSums extends UserDaySums {
  days: Map<number, Tally>;
  detail: DetailSums | undefined;
  partitions: Set<string>;
}

/**
 * Sums by cell and UTC day, and by half-hour. Of days that Redis no longer keeps so, there are sums by cell and month, with
 * its first day.
 */
class DetailSums implements Detail {
  readonly #cells = new Map<string, CellDayTally>();
  readonly halfHours = new Map<number, Tally>();

  get cells(): Iterable<CellDayTally> {
    return { [Symbol.iterator]: () => this.#cells.values() };
  }

  get size(): number {
    return this.#cells.size + this.halfHours.size;
  }

  addToCell(callDay: number, cell: Cell, tally: Tally, nowMs: number): void {
    const month = monthOf(callDay);
    const day = keepsDetail(month, nowMs) ? callDay : firstDayOfMonth(month);
    const key = `${day} ${cellKey(cell)}`;
    const sum = this.#cells.get(key);
    if (sum === undefined)
      this.#cells.set(key, { day, cell, calls: tally.calls, durationMs: tally.durationMs });
    else addTally(sum, tally);
  }

  addToHalfHour(halfHour: number, tally: Tally, nowMs: number): void {
    if (!keepsDetail(monthOf(dayOfHalfHour(halfHour)), nowMs)) return;
    const sum = this.halfHours.get(halfHour);
    if (sum === undefined) this.halfHours.set(halfHour, { calls: tally.calls, durationMs: tally.durationMs });
    else addTally(sum, tally);
  }
}

/** Adds up calls by user and UTC day, which is what counters are filled with. */
export class SumsAccumulator {
  readonly #users = new Map<string, UserSums>();
  readonly #nowMs = Date.now();
  #calls = 0;
  #days = 0;

  /** Also gives users whose first call comes while this is iterated. */
  ids(): IterableIterator<string> {
    return this.#users.keys();
  }

  has(userId: string): boolean {
    return this.#users.has(userId);
  }

  of(userId: string): UserDaySums {
    return this.#users.get(userId) ?? noSums(userId);
  }

  get size(): number {
    return this.#users.size;
  }

  get calls(): number {
    return this.#calls;
  }

  /** Number of entries (one per user and UTC day, and those of detail), which memory grows with. */
  get days(): number {
    return this.#days;
  }

  /** @param partition id of the partition that the call came by */
  addCall(call: Call, partition: string): void {
    const { userId, startedAt, durationMs } = call;
    const tally = { calls: 1, durationMs };
    this.add(userId, dayOf(startedAt), tally, { partition, lastStartedAt: startedAt, cell: cellOf(call) });
    this.addToHalfHour(userId, halfHourOf(startedAt), tally);
  }

  /** Adds what a correction adds, and takes away what it takes away. @param partition id of the one that it came by */
  addCorrection({ user_id: userId, plus, minus }: CorrectionRow, partition: string): void {
    if (minus) {
      const taken = { calls: -1, durationMs: -minus.duration_ms };
      const cell = cellOfContent(minus);
      this.add(userId, minus.day, taken, { partition, lastStartedAt: -1, isCorrection: true, cell });
      this.addToHalfHour(userId, halfHourOf(minus.started_at.getTime()), taken);
    }
    if (plus) {
      const added = { calls: 1, durationMs: plus.duration_ms };
      const lastStartedAt = plus.started_at.getTime();
      const cell = cellOfContent(plus);
      this.add(userId, plus.day, added, { partition, lastStartedAt, isCorrection: true, cell });
      this.addToHalfHour(userId, halfHourOf(lastStartedAt), added);
    }
  }

  /** Adds to a day. Once a tally comes without its cell, the user's sums have no detail. */
  add(
    userId: string,
    day: number,
    { calls, durationMs }: Tally,
    of: { partition: string; lastStartedAt: number; isCorrection?: boolean; cell: Cell | undefined },
  ): void {
    const { partition, lastStartedAt, isCorrection = false, cell } = of;
    let user = this.#users.get(userId);
    if (user === undefined) {
      user = noSums(userId);
      this.#users.set(userId, user);
    }
    const tally = user.days.get(day);
    if (tally === undefined) {
      user.days.set(day, { calls, durationMs });
      this.#days += 1;
    } else {
      tally.calls += calls;
      tally.durationMs += durationMs;
    }
    if (cell === undefined) {
      this.#days -= user.detail?.size ?? 0;
      user.detail = undefined;
    } else if (user.detail !== undefined) {
      const before = user.detail.size;
      user.detail.addToCell(day, cell, { calls, durationMs }, this.#nowMs);
      this.#days += user.detail.size - before;
    }
    user.partitions.add(partition);
    user.lastStartedAt = Math.max(user.lastStartedAt, lastStartedAt);
    user.hasCorrections ||= isCorrection;
    this.#calls += calls;
  }

  /**
   * Adds to a half-hour what `add` has added to its day. While Mongo that was put back reads its rows again, one may come
   * between the two sums: then it is left out here as well. The generation ends with that, and what is filled does not count.
   */
  addToHalfHour(userId: string, halfHour: number, tally: Tally): void {
    const detail = this.#users.get(userId)?.detail;
    if (detail === undefined) return;
    const before = detail.size;
    detail.addToHalfHour(halfHour, tally, this.#nowMs);
    this.#days += detail.size - before;
  }
}

/**
 * Each user's sums by UTC day, whatever partitions the rows came by. They have detail if each tally is that of a cell.
 */
export function userDaySumsOf(
  userIds: readonly string[],
  tallies: readonly PartitionDayTally[],
): UserDaySums[] {
  const sums = new SumsAccumulator();
  for (const tally of tallies) {
    const { userId, day, stream, partition, lastStartedAt, isCorrection, cell, halfHour } = tally;
    if (halfHour !== undefined) sums.addToHalfHour(userId, halfHour, tally);
    else {
      const id = partitionId(stream, partition);
      sums.add(userId, day, tally, { partition: id, lastStartedAt, isCorrection, cell });
    }
  }
  return userIds.map((userId) => sums.of(userId));
}

function noSums(userId: string): UserSums {
  return {
    userId,
    days: new Map(),
    detail: new DetailSums(),
    partitions: new Set(),
    lastStartedAt: -1,
    hasCorrections: false,
  };
}
