import type { Store } from '@calltally/store';

const ANSWER_WITHIN_MS = 600;

/** Whether Mongo answers anything at all just now: the smallest question there is, one at a time. */
export class Pulse {
  readonly #store: Pick<Store, 'ping'>;
  #asking: Promise<boolean> | undefined;

  constructor(store: Pick<Store, 'ping'>) {
    this.#store = store;
  }

  beats(): Promise<boolean> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), ANSWER_WITHIN_MS);
    });
    const answer = this.#store.ping().then(
      () => true,
      () => false,
    );
    try {
      return await Promise.race([answer, silence]);
    } finally {
      clearTimeout(timer);
    }
  }
}
