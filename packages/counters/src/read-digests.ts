import type { Generations } from './generation.ts';
import { userKey } from './keys.ts';
import type { Master } from './masters.ts';
import type { CounterSession } from './session.ts';

/** Which state a user's counters are in, without what they say. */
export interface CountersDigest {
  /** Another one whenever the counters are. */
  text: string;
  /** No counted call starts later than this, epoch ms; -1 where there is no call. */
  lastStartedAt: number;
}

/** Users of one command: a dashboard that comes meanwhile waits for no more than that. */
const USERS_MAX = 256;

/**
 * Asks for many users whether their counters have changed, in few commands that are small for Redis and for us.
 * @returns in the order given; undefined for a user who is unknown here
 * @throws CountersError
 */
export async function readDigests(
  session: CounterSession,
  generations: Generations,
  userIds: readonly string[],
): Promise<(CountersDigest | undefined)[]> {
  const versions = new Array<CountersDigest | undefined>(userIds.length).fill(undefined);
  const byMaster = new Map<Master, number[]>(session.masters.map((master) => [master, []]));
  for (const [place, userId] of userIds.entries()) byMaster.get(session.master(userId))!.push(place);
  await Promise.all([...byMaster].map(([master, places]) => readOf(master, places)));
  return versions;

  async function readOf(master: Master, places: readonly number[]): Promise<void> {
    const generation = generations.get(master);
    if (generation === undefined) return;
    for (let first = 0; first < places.length; first += USERS_MAX) {
      const some = places.slice(first, first + USERS_MAX);
      const keys = some.map((place) => userKey(userIds[place]!));
      const replies = await session.askUsers(master, 'version', generation.id, keys);
      for (const [i, place] of some.entries()) versions[place] = versionOf(replies[i]!);
    }
  }
}

function versionOf(text: string): CountersDigest | undefined {
  if (text === '') return undefined;
  return { text, lastStartedAt: Number(text.slice(0, text.indexOf(' '))) };
}
