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

const DASHBOARD = '/analytics/dashboard';

/** One keep-alive connection that requests one dashboard after another, with as little overhead as possible. */
export class Client {
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(url: string) {
    this.#url = url;
  }

  /** @throws Error for an answer other than 200 */
  async ask(key: string, query = '', path = DASHBOARD): Promise<Answer> {
    const reply = await this.askAnyhow(key, query, path);
    if (reply.status !== 200) throw new Error(`${reply.status}: ${reply.text}`);
    return reply;
  }

  /** @throws Error if there is no answer at all */
  askAnyhow(key: string, query = '', path = DASHBOARD): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${key}` };
      const beganMs = performance.now();
      const request = get(`${this.#url}${path}${query}`, { agent: this.#agent, headers }, (response) => {
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
      });
      request.on('error', reject);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** One answer in a hundred may have another source: if the machine pauses for a moment, Redis seems to be down. */
const ELSEWHERE_SHARE_MAX = 0.01;

/** Milliseconds of the answers for each key, as `inTurns` measures them. */
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
 * Milliseconds of the answers to each question. The questions take turns, request by request, so that other work of the
 * machine affects all alike.
 * @param asked.count answers to each
 * @param asked.source required answer source; other answers are left out
 * @returns also the last answer
 * @throws Error if too many answers had another source
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

/** The query for whole UTC days, from the day of one instant to the day of another, both included. */
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
