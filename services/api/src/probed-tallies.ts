import {
  type CellFilter,
  type Dimension,
  isFiltered,
  type Range,
  type Slots,
  type SlotTally,
  type Tally,
} from '@calltally/domain';
import type { HealthProbe } from '@calltally/http';
import type { CellRangeTally, CutOrAsk, DurationBinTally, DurationTally, Tallies } from '@calltally/store';
import { StoreError } from '@calltally/store';

/** Most users' rows are summed in a fraction of this. */
const PROBE_AFTER_MS = 150;
/** How long a sum that was too slow is refused. */
const LATE_FOR_MS = 10_000;
/** Users whose slow sums are remembered. The oldest are dropped first. */
const LATE_USERS_MAX = 1_000;

type Sums = Pick<Tallies, 'sumByRange' | 'sumBySlot' | 'sumByCell' | 'durationBins' | 'durationsOfBins'>;

/** What is read, by how long it takes. */
type Kind = 'plain' | 'labels' | 'durations';

/**
 * Sums that may take long, but only while Mongo is alive: a slow sum makes it probe Mongo. So a hanging Mongo is noticed
 * within a second, as one that is down is at once.
 *
 * After a sum that a living Mongo did not finish in time, the same user's sums that reach as far back are refused for a
 * while. Repeating them would slow down the user's fill, and everybody else. Sums that need labels, and those by duration,
 * take longer than others: where only those were too slow, only those are refused.
 */
export class ProbedTallies implements Sums {
  readonly #tallies: Sums;
  readonly #probe: HealthProbe;
  readonly #late: Readonly<Record<Kind, LateSums>>;

  constructor(tallies: Sums, probe: HealthProbe, lateForMs = LATE_FOR_MS) {
    this.#tallies = tallies;
    this.#probe = probe;
    const late = () => new LateSums(lateForMs);
    this.#late = { plain: late(), labels: late(), durations: late() };
  }

  /** @throws StoreError */
  sumByRange(
    userId: string,
    ranges: readonly Range[],
    cut: CutOrAsk,
    filter: CellFilter = {},
  ): Promise<Tally[]> {
    return this.#sum(userId, ranges, kindOf(filter), () =>
      this.#tallies.sumByRange(userId, ranges, cut, filter),
    );
  }

  /** @throws StoreError */
  sumBySlot(
    userId: string,
    ranges: readonly Range[],
    slots: Slots,
    cut: CutOrAsk,
    filter: CellFilter = {},
  ): Promise<SlotTally[][]> {
    return this.#sum(userId, ranges, kindOf(filter), () =>
      this.#tallies.sumBySlot(userId, ranges, slots, cut, filter),
    );
  }

  /** @throws StoreError */
  sumByCell(
    userId: string,
    ranges: readonly Range[],
    cut: CutOrAsk,
    by?: readonly Dimension[],
    filter?: CellFilter,
  ): Promise<CellRangeTally[]> {
    return this.#sum(userId, ranges, 'labels', () =>
      this.#tallies.sumByCell(userId, ranges, cut, by, filter),
    );
  }

  /** @throws StoreError */
  durationBins(
    userId: string,
    range: Range,
    cut: CutOrAsk,
    filter?: CellFilter,
  ): Promise<DurationBinTally[]> {
    return this.#sum(userId, [range], 'durations', () =>
      this.#tallies.durationBins(userId, range, cut, filter),
    );
  }

  /** @throws StoreError */
  durationsOfBins(
    userId: string,
    range: Range,
    bins: readonly number[],
    cut: CutOrAsk,
    filter?: CellFilter,
  ): Promise<DurationTally[]> {
    return this.#sum(userId, [range], 'durations', () =>
      this.#tallies.durationsOfBins(userId, range, bins, cut, filter),
    );
  }

  async #sum<T>(userId: string, ranges: readonly Range[], kind: Kind, ask: () => Promise<T[]>): Promise<T[]> {
    if (ranges.length === 0) return [];
    const from = Math.min(...ranges.map((range) => range.from));
    if (this.#late.plain.has(userId, from) || this.#late[kind].has(userId, from)) {
      throw new StoreError('STORE_TIMEOUT', true, new Error('it took too long a moment ago'));
    }
    const sums = ask();
    let timer: NodeJS.Timeout | undefined;
    let isAlive = false;
    const lost = new Promise<never>((_, reject) => {
      timer = setTimeout(async () => {
        isAlive = await this.#probe.isUp();
        if (!isAlive)
          reject(new StoreError('STORE_TIMEOUT', true, new Error('Mongo does not answer at all')));
      }, PROBE_AFTER_MS);
    });
    try {
      return await Promise.race([sums, lost]);
    } catch (thrown) {
      sums.catch(() => {});
      const isTimeout = thrown instanceof StoreError && thrown.code === 'STORE_TIMEOUT';
      if (isAlive && isTimeout) this.#late[kind].add(userId, from);
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }
}

function kindOf(filter: CellFilter): Kind {
  return isFiltered(filter) ? 'labels' : 'plain';
}

/** By user, from where on a sum was too slow, for a while. */
class LateSums {
  readonly #forMs: number;
  readonly #users = new Map<string, { from: number; untilMs: number }>();

  constructor(forMs: number) {
    this.#forMs = forMs;
  }

  /** Whether one that begins no earlier was. @param from epoch ms */
  has(userId: string, from: number): boolean {
    const late = this.#users.get(userId);
    return late !== undefined && from <= late.from && performance.now() < late.untilMs;
  }

  add(userId: string, from: number): void {
    this.#users.delete(userId);
    if (this.#users.size >= LATE_USERS_MAX) this.#users.delete(this.#users.keys().next().value!);
    this.#users.set(userId, { from, untilMs: performance.now() + this.#forMs });
  }
}
