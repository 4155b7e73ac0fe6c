/** More users than ever ask at once while the event loop keeps up. */
const KEYS_MAX = 256;

/** Runs lua/window-sums.lua for some users of one generation. Replies come in the order of the keys. */
type Ask = (generation: string, keys: readonly string[]) => Promise<readonly string[]>;

interface Batch {
  generation: string;
  keys: string[];
  waiting: { resolve(text: string): void; reject(thrown: unknown): void }[];
}

/**
 * Reads the window sums of many users of one master in one command, because a command costs this process and Redis far
 * more than a user in it. A request that comes alone is sent at once. Those that come while a command is pending wait
 * for its reply and go together, so the more there are, the less each costs.
 */
export class WindowSumsBatcher {
  readonly #ask: Ask;
  /** The last one takes further users. */
  readonly #batches: Batch[] = [];
  #isSending = false;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** @returns the reply of lua/window-sums.lua for the user; rejects as the command does */
  ask(generation: string, key: string): Promise<string> {
    return new Promise((resolve, reject) => {
      let batch = this.#batches.at(-1);
      if (batch?.generation !== generation || batch.keys.length >= KEYS_MAX) {
        batch = { generation, keys: [], waiting: [] };
        this.#batches.push(batch);
      }
      batch.keys.push(key);
      batch.waiting.push({ resolve, reject });
      if (this.#isSending) return;
      this.#isSending = true;
      // Behind every request that has arrived by now.
      setImmediate(() => this.#sendAll());
    });
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
