import { Agent, get, type IncomingHttpHeaders } from 'node:http';

interface Answer {
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

/** Of a hundred answers one may come from elsewhere: a machine that stands still for a moment passes for a Redis that does. */
const ELSEWHERE_SHARE_MAX = 0.01;

/** Milliseconds that the answers of each key took, as `inTurns` takes them. */
export function latencies(
  client: Client,
  keys: readonly string[],
  { query, ...asked }: { query: string; count: number; source: string },
): Promise<{ tookMs: number[][]; last: Answer | undefined }> {
  return inTurns(
    keys.map((key) => () => client.ask(key, query)),
    asked,
  );
}

/**
 * Milliseconds that the answers to each question took. They are asked in turns, request by request, so that whatever
 * else the machine does falls on all alike.
 * @param asked.count answers to each
 * @param asked.source what they have to be read from; others are left out
 * @returns also the last answer
 * @throws Error where many came from elsewhere
 */
export async function inTurns(
  questions: readonly (() => Promise<Answer>)[],
  asked: { count: number; source: string },
): Promise<{ tookMs: number[][]; last: Answer | undefined }> {
  const tookMs: number[][] = questions.map(() => []);
  let last: Answer | undefined;
  let elsewhere = 0;
  for (let i = 0; i < asked.count; i++) {
    for (const [turn, ask] of questions.entries()) {
      const answer = await ask();
      if (answer.source === asked.source) {
        tookMs[turn]!.push(answer.tookMs);
        last = answer;
      } else if (++elsewhere > asked.count * ELSEWHERE_SHARE_MAX) {
        throw new Error(
          `${elsewhere} answers did not come from ${asked.source}; the last from ${answer.source}`,
        );
      }
    }
  }
  return { tookMs, last };
}

/** The query for whole UTC days, from that of one instant to that of another, both included. */
export function wholeDays(from: number, until: number): string {
  return `?start_date=${instant(from).slice(0, 10)}&end_date=${instant(until).slice(0, 10)}`;
}

/** The query from one instant until just before another. */
export function cutDays(from: number, until: number): string {
  return `?start_date=${instant(from)}&end_date=${instant(until - 1)}`;
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
