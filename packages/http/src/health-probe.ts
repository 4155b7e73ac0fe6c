import type { Store } from '@calltally/store';
import { withinLoopTime } from '@calltally/telemetry';

const ANSWER_WITHIN_MS = 600;

/** Tells whether Mongo answers at all, by one ping at a time. */
export class HealthProbe {
  readonly #store: Pick<Store, 'ping'>;
  #asking: Promise<boolean> | undefined;

  constructor(store: Pick<Store, 'ping'>) {
    this.#store = store;
  }

  isUp(): Promise<boolean> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<boolean> {
    const answer = this.#store.ping().then(
      () => true,
      () => false,
    );
    return withinLoopTime(answer, ANSWER_WITHIN_MS, () => new Error('no answer')).catch(() => false);
  }
}
