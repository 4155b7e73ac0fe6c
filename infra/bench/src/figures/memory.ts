import { DAY_MS } from '@calltally/domain';
import { Client } from '../client.ts';
import { API, NodeProcess } from '../processes.ts';
import type { Figure } from '../results.ts';
import { spreadCalls, userIdsUpTo, World } from '../world/world.ts';

const DAYS = 365;
const MONTHS = 12;

export const memory: Figure = {
  name: 'memory',
  lines: [
    {
      name: 'memory',
      unit: 'bytes',
      atMost: 1_024,
    },
  ],
  // Measured once, because it does not vary.
  async measure(bench, note) {
    const userIds = userIdsUpTo(bench.size(500, 50));
    bench.say(`${userIds.length} users with a call on each of ${DAYS} days …`);
    const world = await World.start(bench, 'memory');
    const until = Date.now();
    await world.insert(spreadCalls(userIds, DAYS, { from: until - DAYS * DAY_MS, until }));
    const emptyBytes = await world.redisBytes();
    await world.count(userIds);
    await readEach(await NodeProcess.start(bench, API, world.environment), await world.createKeys(userIds));
    const bytes = (await world.redisBytes()) - emptyBytes;
    note('memory', { ours: bytes / (userIds.length * MONTHS) });
  },
};

/** So that Redis holds the window sums, too. */
async function readEach(api: NodeProcess, keys: readonly string[]): Promise<void> {
  const client = new Client(api.url);
  for (const key of keys) await client.ask(key);
  client.close();
  await api.stop();
}
