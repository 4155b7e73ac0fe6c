import type { UserDaySums } from '@calltally/counters';
import { type Call, dayOf, type Tally } from '@calltally/domain';
import { type CorrectionRow, type PartitionDayTally, partitionId } from '@calltally/store';

interface UserSums extends UserDaySums {
  days: Map<number, Tally>;
  partitions: Set<string>;
}

/** Adds up calls by user and UTC day, which is what counters are filled with. */
export class SumsAccumulator {
  readonly #users = new Map<string, UserSums>();
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

  /** Number of entries (one per user and UTC day), which memory grows with. */
  get days(): number {
    return this.#days;
  }

  /** @param partition id of the partition that the call came by */
  addCall({ userId, startedAt, durationMs }: Call, partition: string): void {
    this.add(userId, dayOf(startedAt), { calls: 1, durationMs }, partition, startedAt);
  }

  /** Adds what a correction adds, and takes away what it takes away. @param partition id of the one that it came by */
  addCorrection({ user_id: userId, plus, minus }: CorrectionRow, partition: string): void {
    if (minus) {
      const taken = { calls: -1, durationMs: -minus.duration_ms };
      this.add(userId, minus.day, taken, partition, -1, true);
    }
    if (plus) {
      const added = { calls: 1, durationMs: plus.duration_ms };
      this.add(userId, plus.day, added, partition, plus.started_at.getTime(), true);
    }
  }

  add(
    userId: string,
    day: number,
    { calls, durationMs }: Tally,
    partition: string,
    lastStartedAt: number,
    isCorrection = false,
  ): void {
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
    user.partitions.add(partition);
    user.lastStartedAt = Math.max(user.lastStartedAt, lastStartedAt);
    user.hasCorrections ||= isCorrection;
    this.#calls += calls;
  }
}

/** Each user's sums by UTC day, whatever partitions the rows came by. */
export function userDaySumsOf(
  userIds: readonly string[],
  tallies: readonly PartitionDayTally[],
): UserDaySums[] {
  const sums = new SumsAccumulator();
  for (const tally of tallies) {
    const { userId, day, stream, partition, lastStartedAt, isCorrection } = tally;
    sums.add(userId, day, tally, partitionId(stream, partition), lastStartedAt, isCorrection);
  }
  return userIds.map((userId) => sums.of(userId));
}

function noSums(userId: string): UserSums {
  return { userId, days: new Map(), partitions: new Set(), lastStartedAt: -1, hasCorrections: false };
}
