import { DAY_MS } from '@calltally/domain';
import { type Spent, stopwatch, usEach } from '../cpu-time.ts';
import { calltally } from '../processes.ts';
import type { Figure } from '../results.ts';
import { takeTurns } from '../statistics.ts';
import { spreadCalls, userIdsUpTo, World } from '../world/world.ts';

const CALLS_A_USER = 100;
const DAYS = 60;
/** As in the store's own aggregations: with small batches some servers take much longer. */
const GROUPS_A_BATCH = 100_000;

export const rebuild: Figure = {
  name: 'rebuild',
  lines: [
    {
      name: 'rebuild',
      unit: 'calls/s',
      atLeast: 0.5,
    },
  ],
  async measure(bench, note) {
    const users = bench.size(10_000, 500);
    const calls = users * CALLS_A_USER;
    bench.say(`${calls} calls of ${users} users …`);
    const world = await World.start(bench, 'rebuild');
    const until = Date.now();
    await world.insert(spreadCalls(userIdsUpTo(users), CALLS_A_USER, { from: until - DAYS * DAY_MS, until }));
    const rebuildAll = async () => {
      await world.forgetCounters();
      const spent = stopwatch();
      const done = await calltally(bench, world.environment, 'rebuild', '--all', '--restart', '--json');
      if (done.repaired !== users || done.calls !== calls) throw new Error(`rebuilt ${JSON.stringify(done)}`);
      return { ...spent(), tookMs: Number(done.seconds) * 1_000 };
    };
    for (let round = 1; round <= bench.rounds; round++) {
      const { ours, other } = await takeTurns(round, rebuildAll, () => aggregateAll(world, calls));
      note('rebuild', {
        ours: (calls / ours.tookMs) * 1_000,
        other: (calls / other.tookMs) * 1_000,
        oursUs: usEach(ours, calls),
        otherUs: usEach(other, calls),
      });
    }
  },
};

/** Until the last group has arrived. */
async function aggregateAll({ rows }: World, calls: number): Promise<Spent> {
  const spent = stopwatch();
  const id = { user: '$user_id', day: '$day' };
  const sums = { calls: { $sum: 1 }, duration: { $sum: '$duration_ms' } };
  const groups = rows.aggregate([{ $group: { _id: id, ...sums } }], {
    allowDiskUse: true,
    batchSize: GROUPS_A_BATCH,
  });
  let found = 0;
  for await (const group of groups) found += Number(group.calls);
  if (found !== calls) throw new Error(`the aggregation found ${found} of ${calls} calls`);
  return spent();
}
