import type { Call } from '@calltally/domain';
import { DAY_MS } from '@calltally/domain';
import type { Bench } from '../bench.ts';
import { API, NodeProcess } from '../processes.ts';
import { spreadCalls, World } from './world.ts';

/** Within the kept months. */
const DAYS = 730;

export interface SizedUser {
  userId: string;
  key: string;
  calls: number;
}

export interface UsersBySize {
  world: World;
  api: NodeProcess;
  /** Ordered by calls: 10, 1 000, 100 000 and 1 000 000, fewer in a quick run. */
  users: SizedUser[];
  /** The calls of all of them, the same in every run. */
  calls: () => Iterable<Call>;
  /** The two years that each user's calls span, epoch ms. */
  from: number;
  until: number;
}

/** Users with hardly any calls, and users with very many; for `bench.shared`. */
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

export interface BigAndSmall extends Pick<UsersBySize, 'world' | 'api' | 'users' | 'from' | 'until'> {
  big: SizedUser;
  small: SizedUser;
}

/** A user with very many calls, and one with hardly any. */
export async function bigAndSmall(bench: Bench): Promise<BigAndSmall> {
  const { users, ...given } = await bench.shared(usersBySize);
  return { ...given, users, big: users.at(-1)!, small: users[0]! };
}
