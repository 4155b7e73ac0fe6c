import type { DayTally, Range, Tally } from '@calltally/domain';
import type { OffsetVector, Tallies } from '@calltally/store';
import { StoreError } from '@calltally/store';
import type { HealthProbe } from './health-probe.ts';

/** Rows of most users are added up in a fraction of this. */
const PATIENCE_MS = 150;
/** What took Mongo too long is not asked of it again for so long. */
const LATE_FOR_MS = 10_000;
/** Users of whom it is remembered; the one who was late longest ago goes first. */
const LATE_USERS_MAX = 1_000;

/**
 * Sums of many rows may take their time, but only from a Mongo that is alive: when they take long, Mongo is probed. A
 * Mongo that hangs while Redis is gone too is known within a second, as one that is down is at once.
 *
 * What a living Mongo did not add up in time is refused at once for a while, with all that reaches further back for the
 * same user: asked again, it would slow down filling the user, and everybody else.
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
  async sumByRange(userId: string, ranges: readonly Range[], through?: OffsetVector): Promise<Tally[]> {
    if (ranges.length === 0) return [];
    return this.#unlessLate(userId, ranges, () => this.#tallies.sumByRange(userId, ranges, through));
  }

  /** @throws StoreError */
  async sumByDay(userId: string, ranges: readonly Range[], through?: OffsetVector): Promise<DayTally[]> {
    if (ranges.length === 0) return [];
    return this.#unlessLate(userId, ranges, () => this.#tallies.sumByDay(userId, ranges, through));
  }

  async #unlessLate<T>(userId: string, ranges: readonly Range[], sum: () => Promise<T>): Promise<T> {
    const from = Math.min(...ranges.map((range) => range.from));
    const late = this.#late.get(userId);
    if (late !== undefined && from <= late.from && performance.now() < late.untilMs) {
      throw new StoreError('STORE_TIMEOUT', true, new Error('it took too long a moment ago'));
    }
    return this.#whileAlive(sum(), () => this.#remember(userId, from));
  }

  #remember(userId: string, from: number): void {
    this.#late.delete(userId);
    if (this.#late.size >= LATE_USERS_MAX) this.#late.delete(this.#late.keys().next().value!);
    this.#late.set(userId, { from, untilMs: performance.now() + this.#lateForMs });
  }

  /** @param onLate a Mongo that was seen to be alive meanwhile was too slow */
  async #whileAlive<T>(sums: Promise<T>, onLate: () => void): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    let isAlive = false;
    const lost = new Promise<never>((_, reject) => {
      timer = setTimeout(async () => {
        isAlive = await this.#probe.isUp();
        if (!isAlive)
          reject(new StoreError('STORE_TIMEOUT', true, new Error('Mongo does not answer at all')));
      }, PATIENCE_MS);
    });
    try {
      return await Promise.race([sums, lost]);
    } catch (thrown) {
      sums.catch(() => {});
      if (isAlive && thrown instanceof StoreError && thrown.code === 'STORE_TIMEOUT') onLate();
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }
}
