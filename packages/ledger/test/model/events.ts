import type { Call } from '@calltally/domain';
import { PARTITIONS, USERS, type World } from './world.ts';

/** Sums of durations stay exact below this many calls. */
const CALLS_MAX = 50;
/** Producers send again only the latest calls. */
const SENT_AGAIN = 3;

export interface Sending {
  text: string;
  weight: number;
  send: () => void;
}

/** Every event that a producer may send next: a call, one sent before, one under a taken id, and one that is no call. */
export function sendings(world: World): Sending[] {
  const { topic } = world;
  const sent = new Map(topic.log.flat().flatMap((call) => (call === undefined ? [] : [[call.callId, call]])));
  const next = sent.size;
  const calls: { what: string; call: Call | undefined; weight: number }[] = [];
  if (next < CALLS_MAX) {
    for (const userId of USERS)
      calls.push({ what: `c${next} of ${userId}`, call: world.call(next, userId), weight: 3 });
  }
  for (const call of [...sent.values()].slice(-SENT_AGAIN)) {
    calls.push({ what: `${call.callId} again`, call, weight: 1 });
  }
  const taken = [...sent.values()].at(-1);
  if (taken !== undefined) {
    const other = USERS.find((userId) => userId !== taken.userId)!;
    calls.push({
      what: `${taken.callId} as a call of ${other}`,
      call: { ...taken, userId: other },
      weight: 1,
    });
  }
  calls.push({ what: 'no call', call: undefined, weight: 1 });
  return calls.flatMap(({ what, call, weight }) =>
    Array.from({ length: PARTITIONS }, (_, partition) => ({
      text: `event ${partition}:${topic.end(partition)}: ${what}`,
      weight,
      send: () => void topic.send(partition, call),
    })),
  );
}
