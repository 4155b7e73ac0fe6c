/** Users of one command; more than are ever asked for at once where the event loop keeps up. */
const KEYS_MAX = 256;

/** Asks for some users of one generation; replies as lua/ready.lua, in the order of the keys. */
type Ask = (generation: string, keys: readonly string[]) => Promise<readonly string[]>;

interface Batch {
  generation: string;
  keys: string[];
  waiting: { resolve(text: string): void; reject(thrown: unknown): void }[];
}

/**
 * Asks one master for the window sums of many users by one command, since a command costs this process and Redis far
 * more than a user in it does. While a command is under way those that come wait for its reply, and go together: alone
 * a request is sent at once, and the more there are the less each of them costs.
 */
export class WindowSumsBatcher {
  readonly #ask: Ask;
  /** The last one is open to further users. */
  readonly #batches: Batch[] = [];
  #isSending = false;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** @returns what lua/ready.lua replies for the user; rejects as `ask` does */
  ask(generation: string, key: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const { keys, waiting } = this.#open(generation);
      keys.push(key);
      waiting.push({ resolve, reject });
      if (this.#isSending) return;
      this.#isSending = true;
      // Behind every request that has come in by now.
      setImmediate(() => this.#sendAll());
    });
  }

  #open(generation: string): Batch {
    const last = this.#batches.at(-1);
    if (last?.generation === generation && last.keys.length < KEYS_MAX) return last;
    const batch = { generation, keys: [], waiting: [] };
    this.#batches.push(batch);
    return batch;
  }

  async #sendAll(): Promise<void> {
    for (let batch = this.#batches.shift(); batch !== undefined; batch = this.#batches.shift()) {
      const { generation, keys, waiting } = batch;
      try {
        const replies = await this.#ask(generation, keys);
        for (const [i, { resolve }] of waiting.entries()) resolve(replies[i]!);
      } catch (thrown) {
        for (const { reject } of waiting) reject(thrown);
      }
    }
    this.#isSending = false;
  }
}
