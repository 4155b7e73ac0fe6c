import type { CallEvent } from '@calltally/contract';
import { Client } from '../../client.ts';
import type { NodeProcess } from '../../node-process.ts';

/** What the users have really done, every call a minute long. */
export interface Truth {
  past: readonly CallEvent[];
  /** When the traffic began, epoch ms; all of the past lies before. */
  beganMs: number;
  /** Calls of each user's traffic. */
  callsOf: readonly number[];
}

/**
 * Asks for every dashboard once more, and counts in plain arrays.
 * @param keys of `traffic-0`, `traffic-1`, …
 * @returns how many users got a wrong number; says the first of them
 */
export async function wrongUsers(
  api: NodeProcess,
  keys: readonly string[],
  queries: readonly string[],
  { past, beganMs, callsOf }: Truth,
): Promise<number> {
  const client = new Client(api.url);
  let wrong = 0;
  for (const [user, key] of keys.entries()) {
    const starts = past
      .filter(({ user_id }) => user_id === `traffic-${user}`)
      .map(({ started_at }) => Date.parse(started_at));
    const answers: string[] = [];
    for (const query of queries) {
      const { data } = JSON.parse((await client.ask(key, query)).text);
      const [from, until] = [Date.parse(data.date_range.start_date), Date.parse(data.date_range.end_date)];
      const calls =
        starts.filter((at) => at >= from && at <= until).length + (until >= beganMs ? callsOf[user]! : 0);
      if (data.total_calls !== calls || data.total_duration_minutes !== calls) {
        answers.push(
          `${data.total_calls} calls of ${data.total_duration_minutes} minutes for ${calls} (${query})`,
        );
      }
    }
    if (answers.length > 0 && ++wrong === 1) console.error(`traffic-${user}: ${answers.join('; ')}`);
  }
  client.close();
  return wrong;
}
