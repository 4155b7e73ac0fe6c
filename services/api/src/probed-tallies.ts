import type { DayTally, Range, Tally } from '@calltally/domain';
import type { HealthProbe } from '@calltally/http';
import type { CutOrAsk, Tallies } from '@calltally/store';
import { StoreError } from '@calltally/store';

/** Most users' rows are summed in a fraction of this. */
const PROBE_AFTER_MS = 150;
/** How long a sum that was too slow is refused. */
const LATE_FOR_MS = 10_000;
/** Users whose slow sums are remembered. The oldest are dropped first. */
const LATE_USERS_MAX = 1_000;

/**
 * Sums that may take long, but only while Mongo is alive: a slow sum makes it probe Mongo. So a hanging Mongo is noticed
 * within a second, as one that is down is at once.
 *
 * After a sum that a living Mongo did not finish in time, the same user's sums that reach as far back are refused for a
 * while. Repeating them would slow down the user's fill, and everybody else.
 */
export class ProbedTallies implements Pick<Tallies, 'sumByRange' | 'sumByDay'> {
  readonly #tallies: Pick<Tallies, 'sumByRange' | 'sumByDay'>;
  readonly #probe: HealthProbe;
  readonly #lateForMs: number;
  readonly #late = new Map<string, { from: number; untilMs: number }>();

  constructor(
    tallies: Pick<Tallies, 'sumByRange' | 'sumByDay'>,
    probe: HealthProbe,
    lateForMs = LATE_FOR_MS,
  ) {
    this.#tallies = tallies;
    this.#probe = probe;
    this.#lateForMs = lateForMs;
  }

  /** @throws StoreError */
  sumByRange(userId: string, ranges: readonly Range[], cut: CutOrAsk): Promise<Tally[]> {
    return this.#sum(userId, ranges, () => this.#tallies.sumByRange(userId, ranges, cut));
  }

  /** @throws StoreError */
  sumByDay(userId: string, ranges: readonly Range[], cut: CutOrAsk): Promise<DayTally[]> {
    return this.#sum(userId, ranges, () => this.#tallies.sumByDay(userId, ranges, cut));
  }

  async #sum<T>(userId: string, ranges: readonly Range[], ask: () => Promise<T[]>): Promise<T[]> {
    if (ranges.length === 0) return [];
    const from = Math.min(...ranges.map((range) => range.from));
    const late = this.#late.get(userId);
    if (late !== undefined && from <= late.from && performance.now() < late.untilMs) {
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
      if (isAlive && isTimeout) this.#remember(userId, from);
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }

  #remember(userId: string, from: number): void {
    this.#late.delete(userId);
    if (this.#late.size >= LATE_USERS_MAX) this.#late.delete(this.#late.keys().next().value!);
    this.#late.set(userId, { from, untilMs: performance.now() + this.#lateForMs });
  }
}
