import { Agent, request } from 'node:http';
import type { CallEvent } from '@calltally/contract';

/** A backend that sends calls to intake over connections that stay open. */
export class IntakeClient {
  readonly #url: URL;
  readonly #key: string;
  readonly #agent: Agent;

  constructor(url: string, key: string, connections: number) {
    this.#url = new URL('/calls', url);
    this.#key = key;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** One request with one event or several. @throws Error for an answer other than 202 */
  send(events: CallEvent | readonly CallEvent[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' };
      const sent = request(this.#url, { method: 'POST', agent: this.#agent, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
        });
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 202) resolve();
          else reject(new Error(`${response.statusCode}: ${text}`));
        });
      });
      sent.on('error', reject);
      sent.end(JSON.stringify(events));
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
