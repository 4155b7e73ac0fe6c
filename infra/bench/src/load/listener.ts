import { type ClientRequest, get } from 'node:http';

/** One open stream of a user's figures, with as little of its own as can be. */
export class StreamListener {
  readonly #request: ClientRequest;
  #text = '';
  #totalCalls = -1;
  #onCalls: (() => void) | undefined;

  private constructor(url: string, key: string, begun: (failed?: Error) => void) {
    const headers = { authorization: `Bearer ${key}` };
    this.#request = get(`${url}/analytics/stream`, { agent: false, headers }, (response) => {
      if (response.statusCode !== 200) begun(new Error(`a stream is answered with ${response.statusCode}`));
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        this.#take(part);
        if (this.#totalCalls >= 0) begun();
      });
      // It is told by whoever waits for what does not come.
      response.on('error', () => {});
    });
    this.#request.on('error', begun);
  }

  /** Resolves when the first figures have come. */
  static open(url: string, key: string): Promise<StreamListener> {
    return new Promise((resolve, reject) => {
      const listener: StreamListener = new StreamListener(url, key, (failed) => {
        if (failed === undefined) resolve(listener);
        else reject(failed);
      });
    });
  }

  /** Resolves when the figures say so many calls, or more. @throws Error where that takes too long */
  async says(calls: number, withinMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`not told within ${withinMs} ms`)), withinMs);
        this.#onCalls = () => {
          if (this.#totalCalls >= calls) resolve();
        };
        this.#onCalls();
      });
    } finally {
      clearTimeout(timer);
      this.#onCalls = undefined;
    }
  }

  close(): void {
    this.#request.destroy();
  }

  #take(part: string): void {
    const blocks = (this.#text + part).split('\n\n');
    this.#text = blocks.pop()!;
    for (const block of blocks) {
      const found = /"total_calls":(\d+)/.exec(block);
      if (found !== null) this.#totalCalls = Number(found[1]);
    }
    this.#onCalls?.();
  }
}
