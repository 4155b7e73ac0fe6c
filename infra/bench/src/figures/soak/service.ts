import type { CallEvent } from '@calltally/contract';
import { DAY_MS } from '@calltally/domain';
import type { Bench } from '../../bench.ts';
import { Client, cutDays, wholeDays } from '../../client.ts';
import { untilCounted } from '../../counting.ts';
import { LoadGenerator } from '../../load/load-generator.ts';
import type { NodeProcess } from '../../processes.ts';
import { startService } from '../../world/service.ts';

const USERS = 300;
const HISTORY_DAYS = 60;
const CALLS_A_USER = 120;

/** The whole service, with users who have a history, and a load generator. */
export async function startSoak(bench: Bench) {
  const userIds = Array.from({ length: USERS }, (_, i) => `traffic-${i}`);
  const beganMs = Date.now();
  const past = history(userIds, beganMs);
  const service = await startService(bench, 'soak', {
    trafficUsers: USERS,
    prepare: (_, topic) => topic.send(past),
  });
  await untilCounted(service.topic, past.length);
  const keys = await service.world.createKeys(userIds);
  // The last range ends where the traffic starts, so that everything since must be subtracted from today's sum.
  const queries = [
    '',
    wholeDays(beganMs - HISTORY_DAYS * DAY_MS, beganMs),
    cutDays(beganMs - 20 * DAY_MS, beganMs),
  ];
  return { ...service, past, beganMs, keys, queries, load: new LoadGenerator(bench, 'soak', keys) };
}

/** The users' calls of the two months before, so that ranges find some. */
function history(userIds: readonly string[], until: number): CallEvent[] {
  const stepMs = (HISTORY_DAYS * DAY_MS) / CALLS_A_USER;
  return Array.from({ length: CALLS_A_USER }, (_, i) =>
    userIds.map((userId, user) => ({
      call_id: `history-${userId}-${i}`,
      user_id: userId,
      started_at: new Date(until - (CALLS_A_USER - i) * stepMs + user * 1_000).toISOString(),
      duration_seconds: 60,
    })),
  ).flat();
}

/** The users' true calls, each one minute long. */
interface Truth {
  past: readonly CallEvent[];
  /** When the traffic started, epoch ms. All earlier calls start before. */
  beganMs: number;
  /** The number of traffic calls of each user. */
  callsOf: readonly number[];
}

/**
 * Requests every dashboard once more, and compares it with plain arrays.
 * @param keys of `traffic-0`, `traffic-1`, …
 * @returns how many users got a wrong number; prints the first of them
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
      .map(({ started_at }) => Date.parse(started_at!));
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
