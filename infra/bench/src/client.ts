import { Agent, get, type IncomingHttpHeaders } from 'node:http';

export interface Answer {
  /** From the request to the last byte of its answer. */
  tookMs: number;
  source: string | undefined;
  text: string;
}

/** An answer of any status. */
export interface Reply extends Answer {
  status: number;
  headers: IncomingHttpHeaders;
}

/** One connection that stays open; asks for one dashboard after another, with as little of its own as can be. */
export class Client {
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(url: string) {
    this.#url = url;
  }

  /** @throws Error for an answer that is not 200 */
  async ask(key: string, query = ''): Promise<Answer> {
    const reply = await this.askAnyhow(key, query);
    if (reply.status !== 200) throw new Error(`${reply.status}: ${reply.text}`);
    return reply;
  }

  /** @throws Error where there is no answer at all */
  askAnyhow(key: string, query = ''): Promise<Reply> {
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
            const { statusCode: status, headers } = response;
            resolve({
              status: status!,
              headers,
              tookMs,
              source: headers['x-tally-source']?.toString(),
              text,
            });
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
