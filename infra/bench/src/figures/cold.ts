import { setTimeout as sleep } from 'node:timers/promises';
import type { CallEvent } from '@calltally/contract';
import { type Counted, countRest } from '../count-topic.ts';
import type { Figure } from '../figure.ts';
import { vitals } from '../vitals.ts';
import { spreadCalls, userIdsUpTo } from '../world/spread-calls.ts';
import { Topic } from '../world/topic.ts';
import { World } from '../world/world.ts';

const DAY_MS = 86_400_000;
const CALLS_A_USER = 10;
const DAYS = 60;
/** A backlog, as an outage leaves it. */
const BACKLOG_MS = 6 * 3_600_000;
const WARM_WITHIN_MS = 600_000;
const LOOK_EVERY_MS = 100;

export const cold: Figure = {
  name: 'cold',
  lines: [
    {
      name: 'cold-ingest',
      unit: 'events/s',
      compares:
        'one ingest process, topic to counted, an event each of users whom Redis does not know, against as many more ' +
        'of the same users, whom it knows',
    },
    {
      name: 'cold-users',
      unit: 'users/s',
      compares: 'those users filled in a second, from the first partition assigned to the last user complete',
    },
  ],
  async measure(bench, note) {
    const userIds = userIdsUpTo(bench.size(200_000, 2_000));
    const rows = userIds.length * CALLS_A_USER;
    bench.say(`${userIds.length} users with ${CALLS_A_USER} calls each …`);
    const [world, topic] = await Promise.all([World.start(bench, 'cold'), Topic.create(bench, 'cold')]);
    const until = Date.now();
    await world.insert(spreadCalls(userIds, CALLS_A_USER, { from: until - DAYS * DAY_MS, until }));
    await world.endStream();
    const env = { ...world.environment, ...topic.environment };
    const perSecond = (tookMs: number) => (userIds.length / tookMs) * 1_000;
    let sent = 0;
    const count = async (name: string) => {
      await topic.send(eventOfEach(userIds, name));
      sent += userIds.length;
      return countRest(bench, topic, env, sent);
    };
    for (let round = 1; round <= bench.size(3, 1); round++) {
      await world.emptyRedis();
      const ours = await count(`cold-${round}`);
      const { tookMs, filledRows } = await untilWarm(ours);
      // Those that came meanwhile may be among them.
      if (filledRows < rows) throw new Error(`only ${filledRows} of ${rows} rows were filled in`);
      await ours.service.stop();
      const other = await count(`warm-${round}`);
      await other.service.stop();
      note('cold-ingest', { ours: perSecond(ours.tookMs), other: perSecond(other.tookMs) });
      note('cold-users', { ours: perSecond(tookMs) });
    }
  },
};

/** Events of calls that ended one after another. @param name that no other has */
function eventOfEach(userIds: readonly string[], name: string): CallEvent[] {
  const now = Date.now();
  return userIds.map((userId, i) => ({
    call_id: `${name}-${i}`,
    user_id: userId,
    started_at: new Date(now - Math.floor((1 - i / userIds.length) * BACKLOG_MS)).toISOString(),
    duration_seconds: 60,
  }));
}

/**
 * Of a service that has counted all.
 * @returns from its first partition assigned until nobody waits to be filled
 */
async function untilWarm({
  service,
  assignedAtMs,
}: Counted): Promise<{ tookMs: number; filledRows: number }> {
  for (const end = Date.now() + WARM_WITHIN_MS; Date.now() < end; await sleep(LOOK_EVERY_MS)) {
    const { sum } = await vitals(service);
    if (sum('calltally_warming_users') > 0) continue;
    return { tookMs: Date.now() - assignedAtMs, filledRows: sum('calltally_filled_rows_total') };
  }
  throw new Error(`users are still being filled after ${WARM_WITHIN_MS} ms`);
}
