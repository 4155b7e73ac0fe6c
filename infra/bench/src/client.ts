import { Agent, get } from 'node:http';

export interface Answer {
  /** From the request to the last byte of its answer. */
  tookMs: number;
  source: string | undefined;
  text: string;
}

/** One connection that stays open; asks for one dashboard after another, with as little of its own as can be. */
export class Client {
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(url: string) {
    this.#url = url;
  }

  /** @throws Error for an answer that is not 200 */
  ask(key: string, query = ''): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${key}` };
      const beganMs = performance.now();
      const request = get(
        `${this.#url}/analytics/dashboard${query}`,
        { agent: this.#agent, headers },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (part: string) => {
            text += part;
          });
          response.on('end', () => {
            const tookMs = performance.now() - beganMs;
            const source = response.headers['x-tally-source'];
            if (response.statusCode === 200) resolve({ tookMs, source: source?.toString(), text });
            else reject(new Error(`${response.statusCode}: ${text}`));
          });
          response.on('error', reject);
        },
      );
      request.on('error', reject);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
