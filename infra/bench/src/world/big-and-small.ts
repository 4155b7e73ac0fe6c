import type { Bench } from '../bench.ts';
import { API, NodeProcess } from '../node-process.ts';
import { spreadCalls } from './spread-calls.ts';
import { World } from './world.ts';

const DAY_MS = 86_400_000;
/** Within what counters keep. */
const DAYS = 730;
const SMALLEST_CALLS = 10;

interface User {
  userId: string;
  key: string;
  calls: number;
}

export interface BigAndSmall {
  world: World;
  api: NodeProcess;
  /** From the small to the big, each with ten times as many calls as the one before. */
  users: User[];
  big: User;
  small: User;
  /** The two years over which the calls of each are spread, epoch ms. */
  from: number;
  until: number;
}

/** A user with very many calls, one with hardly any, and those between. */
export async function bigAndSmall(bench: Bench): Promise<BigAndSmall> {
  const sizes: number[] = [];
  for (let calls = SMALLEST_CALLS; calls <= bench.size(1_000_000, 10_000); calls *= 10) sizes.push(calls);
  const until = Date.now();
  const from = until - DAYS * DAY_MS;
  bench.say(`users with ${sizes.join(', ')} calls …`);
  const world = await World.start(bench, 'big_and_small');
  const userIds = sizes.map((calls) => `user-${calls}`);
  for (const [i, calls] of sizes.entries())
    await world.insert(spreadCalls([userIds[i]!], calls, { from, until }));
  await world.count(userIds);
  const keys = await world.createKeys(userIds);
  const users = sizes.map((calls, i) => ({ userId: userIds[i]!, key: keys[i]!, calls }));
  const api = await NodeProcess.start(bench, API, world.environment);
  return { world, api, users, big: users.at(-1)!, small: users[0]!, from, until };
}
