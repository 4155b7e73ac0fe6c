import type { Call } from '@calltally/domain';
import type { Bench } from '../bench.ts';
import { API, NodeProcess } from '../node-process.ts';
import { spreadCalls } from './spread-calls.ts';
import { World } from './world.ts';

const DAY_MS = 86_400_000;
/** Within what counters keep. */
const DAYS = 730;

export interface SizedUser {
  userId: string;
  key: string;
  calls: number;
}

export interface UsersBySize {
  world: World;
  api: NodeProcess;
  /** Those with the fewest calls first: 10, 1 000, 100 000 and 1 000 000, unless the run is quick. */
  users: SizedUser[];
  /** The calls of all of them, the same each time. */
  calls: () => Iterable<Call>;
  /** The two years over which each user's calls are spread, epoch ms. */
  from: number;
  until: number;
}

/** Users with hardly any calls beside some with very many; to be had by `bench.shared`. */
export async function usersBySize(bench: Bench): Promise<UsersBySize> {
  const sizes = [10, bench.size(1_000, 100), bench.size(100_000, 2_000), bench.size(1_000_000, 20_000)];
  const until = Date.now();
  const from = until - DAYS * DAY_MS;
  const userIds = sizes.map((size) => `user-with-${size}`);
  function* calls() {
    for (const [i, userId] of userIds.entries()) yield* spreadCalls([userId], sizes[i]!, { from, until });
  }
  bench.say(`users with ${sizes.join(', ')} calls …`);
  const world = await World.start(bench, 'users_by_size');
  await world.insert(calls());
  await world.count(userIds);
  const keys = await world.createKeys(userIds);
  const api = await NodeProcess.start(bench, API, world.environment);
  const users = sizes.map((size, i) => ({ userId: userIds[i]!, key: keys[i]!, calls: size }));
  return { world, api, users, calls, from, until };
}
