import type { DayTally, Range, Tally } from '@calltally/domain';
import type { Cut, Tallies } from '@calltally/store';
import { StoreError } from '@calltally/store';
import type { Pulse } from './pulse.ts';

/** Rows of most users are added up in a fraction of this. */
const PATIENCE_MS = 150;

/**
 * Sums of many rows may take their time, but only from a Mongo that is alive: when they take long, Mongo's pulse is
 * felt. One that hangs while Redis is gone too is then known for it within a second, as one that is down is at once.
 */
export class PatientTallies implements Pick<Tallies, 'ofRanges' | 'ofDays'> {
  readonly #tallies: Pick<Tallies, 'ofRanges' | 'ofDays'>;
  readonly #pulse: Pulse;

  constructor(tallies: Pick<Tallies, 'ofRanges' | 'ofDays'>, pulse: Pulse) {
    this.#tallies = tallies;
    this.#pulse = pulse;
  }

  /** @throws StoreError */
  async ofRanges(userId: string, ranges: readonly Range[], through?: Cut): Promise<Tally[]> {
    if (ranges.length === 0) return [];
    return this.#whileAlive(this.#tallies.ofRanges(userId, ranges, through));
  }

  /** @throws StoreError */
  async ofDays(userId: string, ranges: readonly Range[], through?: Cut): Promise<DayTally[]> {
    if (ranges.length === 0) return [];
    return this.#whileAlive(this.#tallies.ofDays(userId, ranges, through));
  }

  async #whileAlive<T>(sums: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const lost = new Promise<never>((_, reject) => {
      timer = setTimeout(async () => {
        if (await this.#pulse.beats()) return;
        reject(new StoreError('STORE_TIMEOUT', true, new Error('Mongo does not answer at all')));
      }, PATIENCE_MS);
    });
    try {
      return await Promise.race([sums, lost]);
    } catch (thrown) {
      sums.catch(() => {});
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }
}
