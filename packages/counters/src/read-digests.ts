import { findGeneration, type Generations } from './generation.ts';
import { userKey } from './keys.ts';
import type { CounterSession, Master } from './session.ts';

export interface CountersDigest {
  /** Changes whenever the counters do. */
  text: string;
  /** No counted call starts later than this, epoch ms; -1 without a call. */
  lastStartedAt: number;
}

/** Users of one command, so that a dashboard that comes meanwhile waits for no more than that. */
const USERS_MAX = 256;

/**
 * Reads the digests of many users' counters, in few and small commands.
 * @returns in the order given; undefined for an unknown user, or one whose master cannot be reached
 * @throws CountersError
 */
export async function readDigests(
  session: CounterSession,
  generations: Generations,
  userIds: readonly string[],
): Promise<(CountersDigest | undefined)[]> {
  const digests = new Array<CountersDigest | undefined>(userIds.length).fill(undefined);
  const isRead = (userId: string) =>
    !session.isUsable ||
    (session.reaches(userId) && findGeneration(session, generations, userId) !== undefined);
  const reached = userIds.flatMap((userId, i) => (isRead(userId) ? i : []));
  const byMaster = session.byMaster(reached.map((i) => userIds[i]!));
  await Promise.all(
    [...byMaster].map(([master, some]) =>
      readFrom(
        master,
        some.map((i) => reached[i]!),
      ),
    ),
  );
  return digests;

  async function readFrom(master: Master, indexes: readonly number[]): Promise<void> {
    const generation = generations.get(master);
    if (generation === undefined) return;
    for (let first = 0; first < indexes.length; first += USERS_MAX) {
      const some = indexes.slice(first, first + USERS_MAX);
      const keys = some.map((index) => userKey(userIds[index]!));
      const replies = await session.runForKeys(master, 'digests', generation.id, keys);
      for (const [i, index] of some.entries()) digests[index] = parseDigest(replies[i]!);
    }
  }
}

function parseDigest(text: string): CountersDigest | undefined {
  if (text === '') return undefined;
  return { text, lastStartedAt: Number(text.slice(0, text.indexOf(' '))) };
}
