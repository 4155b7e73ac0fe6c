import type { Bench } from '../bench.ts';
import { type SizedUser, type UsersBySize, usersBySize } from './users-by-size.ts';

export interface BigAndSmall extends Pick<UsersBySize, 'world' | 'api' | 'users' | 'from' | 'until'> {
  big: SizedUser;
  small: SizedUser;
}

/** A user with very many calls beside one with hardly any. */
export async function bigAndSmall(bench: Bench): Promise<BigAndSmall> {
  const { users, ...given } = await bench.shared(usersBySize);
  return { ...given, users, big: users.at(-1)!, small: users[0]! };
}
