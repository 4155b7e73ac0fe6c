import { DAY_MS } from '@calltally/domain';
import { countRest, untilFilled } from '../counting.ts';
import { usEach } from '../cpu-time.ts';
import type { Figure } from '../results.ts';
import { eventsInOrder, Topic } from '../world/topic.ts';
import { spreadCalls, userIdsUpTo, World } from '../world/world.ts';

const CALLS_A_USER = 10;
const DAYS = 60;

export const cold: Figure = {
  name: 'cold',
  lines: [
    { name: 'cold-ingest', unit: 'events/s' },
    { name: 'cold-users', unit: 'users/s' },
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
    const countOneOfEach = async (name: string) => {
      await topic.send(eventsInOrder(name, userIds.length, (i) => userIds[i]!));
      sent += userIds.length;
      return countRest(bench, topic, env, sent);
    };
    for (let round = 1; round <= bench.size(3, 1); round++) {
      await world.emptyRedis();
      const ours = await countOneOfEach(`cold-${round}`);
      await untilFilled(ours.ingest);
      const filledMs = Date.now() - ours.assignedAtMs;
      const filledRows = (await ours.ingest.metrics()).sum('calltally_filled_rows_total');
      // More are fine: they may include events that arrived meanwhile.
      if (filledRows < rows) throw new Error(`only ${filledRows} of ${rows} rows were filled in`);
      await ours.ingest.stop();
      const other = await countOneOfEach(`warm-${round}`);
      await other.ingest.stop();
      note('cold-ingest', {
        ours: perSecond(ours.tookMs),
        other: perSecond(other.tookMs),
        oursUs: usEach(ours, userIds.length),
        otherUs: usEach(other, userIds.length),
      });
      note('cold-users', { ours: perSecond(filledMs) });
    }
  },
};
