import type { UserDaySums } from '@calltally/counters';
import { type Call, dayOf, type Tally } from '@calltally/domain';

interface UserSum extends UserDaySums {
  days: Map<number, Tally>;
  partitions: Set<string>;
}

/** Calls added up by user and UTC day, as counters are made from them. */
export class SumsAccumulator {
  readonly #users = new Map<string, UserSum>();
  #calls = 0;
  #days = 0;

  /** Whoever gets his first call while this is walked over comes, too. */
  ids(): IterableIterator<string> {
    return this.#users.keys();
  }

  has(userId: string): boolean {
    return this.#users.has(userId);
  }

  of(userId: string): UserDaySums {
    return this.#users.get(userId) ?? noSum(userId);
  }

  get size(): number {
    return this.#users.size;
  }

  get calls(): number {
    return this.#calls;
  }

  /** Entries of a user and a UTC day, which memory grows with. */
  get days(): number {
    return this.#days;
  }

  /** @param partition `stream:partition` that the call came by */
  add({ userId, startedAt, durationMs }: Call, partition: string): void {
    let user = this.#users.get(userId);
    if (user === undefined) {
      user = noSum(userId);
      this.#users.set(userId, user);
    }
    const day = dayOf(startedAt);
    const tally = user.days.get(day);
    if (tally === undefined) {
      user.days.set(day, { calls: 1, durationMs });
      this.#days += 1;
    } else {
      tally.calls += 1;
      tally.durationMs += durationMs;
    }
    user.partitions.add(partition);
    user.lastStartedAt = Math.max(user.lastStartedAt, startedAt);
    this.#calls += 1;
  }
}

function noSum(userId: string): UserSum {
  return { userId, days: new Map(), partitions: new Set(), lastStartedAt: -1 };
}
