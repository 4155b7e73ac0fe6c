import type { Answer, Client } from './client.ts';

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
