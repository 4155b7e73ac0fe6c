import { type CallVersion, isDeleted } from '@calltally/domain';
import { nameOf } from './invariants.ts';
import { PARTITIONS, USERS, type World } from './world.ts';

/** Sums of durations stay exact below this many versions. */
const VERSIONS_MAX = 50;
/** Producers send again, and correct, only the latest. */
const SENT_AGAIN = 3;
const CORRECTED = 2;
const REVISIONS = [1, 2, 3];

export interface Sending {
  text: string;
  weight: number;
  send: () => void;
}

/**
 * Every event that a producer may send next: a call, perhaps first at a higher revision or as deleted, another version or
 * the deletion of a call, one sent before, one under another user's id, and one that is no call.
 */
export function sendings(world: World): Sending[] {
  const { topic } = world;
  const sent = topic.log.flat().filter((call) => call !== undefined);
  const versions = new Map(sent.map((call) => [`${call.userId} ${nameOf(call)} ${call.durationMs}`, call]));
  const corrigible = sent.filter((call) => !isDeleted(call));
  const calls = new Map(corrigible.map((call) => [`${call.userId} ${call.callId}`, call]));
  const next = new Set(corrigible.map(({ durationMs }) => durationMs)).size;
  const given: { what: string; call: CallVersion | undefined; weight: number }[] = [];
  const give = (what: string, call: CallVersion | undefined, weight = 1) =>
    given.push({ what, call, weight });
  if (next < VERSIONS_MAX) {
    for (const userId of USERS) {
      const call = world.call(next, userId);
      give(`${call.callId} of ${userId}`, call, 3);
      give(`${call.callId} of ${userId} at 1`, { ...call, revision: 1 });
    }
    for (const call of [...calls.values()].slice(-CORRECTED)) {
      for (const revision of REVISIONS) {
        const corrected = world.correction(next, call, revision);
        give(`${nameOf(corrected)} of ${call.userId}, ${corrected.durationMs} ms`, corrected);
      }
    }
  }
  const latest = [...versions.values()];
  for (const call of latest.slice(-CORRECTED))
    give(`${call.callId} is deleted at 2`, world.deletion(call, 2));
  for (const userId of USERS) {
    const unsent = world.call(next, userId);
    give(`${unsent.callId} of ${userId} is deleted at 1`, world.deletion(unsent, 1));
  }
  for (const call of latest.slice(-SENT_AGAIN)) give(`${nameOf(call)} again`, call);
  const taken = latest.at(-1);
  if (taken !== undefined) {
    const other = USERS.find((userId) => userId !== taken.userId)!;
    give(`${taken.callId} as a call of ${other}`, { ...taken, userId: other });
  }
  give('no call', undefined);
  return given.flatMap(({ what, call, weight }) =>
    Array.from({ length: PARTITIONS }, (_, partition) => ({
      text: `event ${partition}:${topic.end(partition)}: ${what}`,
      weight,
      send: () => void topic.send(partition, call),
    })),
  );
}
