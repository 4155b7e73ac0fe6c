import type { Answer, Client } from './client.ts';

/** Of a hundred answers one may come from elsewhere: a machine that stands still for a moment passes for a Redis that does. */
const ELSEWHERE_SHARE_MAX = 0.01;

/**
 * Milliseconds that the answers of each key took. Keys are asked for in turns, request by request, so that whatever
 * else the machine does falls on all alike.
 * @param asked.count answers of each key
 * @param asked.source what they have to be read from; others are left out
 * @returns also the last answer
 * @throws Error where many came from elsewhere
 */
export async function latencies(
  client: Client,
  keys: readonly string[],
  asked: { query: string; count: number; source: string },
): Promise<{ tookMs: number[][]; last: Answer | undefined }> {
  const tookMs: number[][] = keys.map(() => []);
  let last: Answer | undefined;
  let elsewhere = 0;
  for (let i = 0; i < asked.count; i++) {
    for (const [turn, key] of keys.entries()) {
      const answer = await client.ask(key, asked.query);
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
