import { keepsCellDays, type UserDaySums } from '@calltally/counters';
import {
  type Call,
  type Cell,
  type CellDayTally,
  cellKey,
  cellOf,
  dayOf,
  firstDayOfMonth,
  monthOf,
  type Tally,
} from '@calltally/domain';
import { type CorrectionRow, cellOfContent, type PartitionDayTally, partitionId } from '@calltally/store';

interface UserSums extends UserDaySums {
  days: Map<number, Tally>;
  cells: CellSumsByDay | undefined;
  partitions: Set<string>;
}

/** Sums by cell and UTC day; of days that Redis no longer keeps by cell, by cell and month, with its first day. */
class CellSumsByDay {
  readonly #sums = new Map<string, CellDayTally>();

  get size(): number {
    return this.#sums.size;
  }

  [Symbol.iterator](): IterableIterator<CellDayTally> {
    return this.#sums.values();
  }

  add(callDay: number, cell: Cell, { calls, durationMs }: Tally, nowMs: number): void {
    const month = monthOf(callDay);
    const day = keepsCellDays(month, nowMs) ? callDay : firstDayOfMonth(month);
    const key = `${day} ${cellKey(cell)}`;
    const sum = this.#sums.get(key);
    if (sum === undefined) this.#sums.set(key, { day, cell, calls, durationMs });
    else {
      sum.calls += calls;
      sum.durationMs += durationMs;
    }
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

  /** Number of entries (one per user and UTC day, and by cell), which memory grows with. */
  get days(): number {
    return this.#days;
  }

  /** @param partition id of the partition that the call came by */
  addCall(call: Call, partition: string): void {
    const { userId, startedAt, durationMs } = call;
    const tally = { calls: 1, durationMs };
    this.add(userId, dayOf(startedAt), tally, { partition, lastStartedAt: startedAt, cell: cellOf(call) });
  }

  /** Adds what a correction adds, and takes away what it takes away. @param partition id of the one that it came by */
  addCorrection({ user_id: userId, plus, minus }: CorrectionRow, partition: string): void {
    if (minus) {
      const taken = { calls: -1, durationMs: -minus.duration_ms };
      const cell = cellOfContent(minus);
      this.add(userId, minus.day, taken, { partition, lastStartedAt: -1, isCorrection: true, cell });
    }
    if (plus) {
      const added = { calls: 1, durationMs: plus.duration_ms };
      const lastStartedAt = plus.started_at.getTime();
      const cell = cellOfContent(plus);
      this.add(userId, plus.day, added, { partition, lastStartedAt, isCorrection: true, cell });
    }
  }

  /** Once a tally comes without its cell, the user's sums have no cells. */
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
      this.#days -= user.cells?.size ?? 0;
      user.cells = undefined;
    } else if (user.cells !== undefined) {
      const before = user.cells.size;
      user.cells.add(day, cell, { calls, durationMs }, this.#nowMs);
      this.#days += user.cells.size - before;
    }
    user.partitions.add(partition);
    user.lastStartedAt = Math.max(user.lastStartedAt, lastStartedAt);
    user.hasCorrections ||= isCorrection;
    this.#calls += calls;
  }
}

/**
 * Each user's sums by UTC day, whatever partitions the rows came by. They have cells if each tally is that of a cell.
 */
export function userDaySumsOf(
  userIds: readonly string[],
  tallies: readonly PartitionDayTally[],
): UserDaySums[] {
  const sums = new SumsAccumulator();
  for (const tally of tallies) {
    const { userId, day, stream, partition, lastStartedAt, isCorrection, cell } = tally;
    const id = partitionId(stream, partition);
    sums.add(userId, day, tally, { partition: id, lastStartedAt, isCorrection, cell });
  }
  return userIds.map((userId) => sums.of(userId));
}

function noSums(userId: string): UserSums {
  return {
    userId,
    days: new Map(),
    cells: new CellSumsByDay(),
    partitions: new Set(),
    lastStartedAt: -1,
    hasCorrections: false,
  };
}
