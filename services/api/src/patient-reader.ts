import type { Range } from '@calltally/domain';
import { type DashboardReader, LedgerError, type Reading } from '@calltally/ledger';
import type { Pulse } from './pulse.ts';

/** Counters answer in a fraction of this, and so do rows of most users. */
const PATIENCE_MS = 200;

/**
 * Reads of many rows may take their time, but only from a Mongo that is alive: when one takes long, Mongo's pulse is
 * felt. One that hangs while Redis is gone too is then known for it within a second, as one that is down is at once.
 */
export class PatientReader {
  readonly #reader: Pick<DashboardReader, 'read'>;
  readonly #pulse: Pulse;

  constructor(reader: Pick<DashboardReader, 'read'>, pulse: Pulse) {
    this.#reader = reader;
    this.#pulse = pulse;
  }

  /** @throws LedgerError LEDGER_UNAVAILABLE */
  read(userId: string, range: Range, nowMs: number): Promise<Reading> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(async () => {
        if (await this.#pulse.beats()) return;
        reject(new LedgerError('LEDGER_UNAVAILABLE', 'the stores do not answer'));
      }, PATIENCE_MS);
      this.#reader.read(userId, range, nowMs).then(
        (reading) => {
          clearTimeout(timer);
          resolve(reading);
        },
        (thrown) => {
          clearTimeout(timer);
          reject(thrown);
        },
      );
    });
  }
}
