import { dayOf, dayOfMonth, isoWeekYear, monthOf, type Tally, weekOf } from '@calltally/domain';
import { CountersError } from './errors.ts';
import { type Generations, generationOf } from './generation.ts';
import { appliedField, monthExpirySeconds, monthKey, userKey, weekExpirySeconds, weekKey } from './keys.ts';
import type { CounterSession, UserCommand } from './session.ts';

/** A canonical event whose row is in Mongo. */
export interface CountableEvent {
  offset: number;
  /** Epoch ms. */
  startedAt: number;
  durationMs: number;
}

export interface UserEvents {
  userId: string;
  /** In order of their offsets; at least one. */
  events: CountableEvent[];
}

/** How many events were added, without those already counted; `unknown` for a cold user. */
export type ApplyOutcome = number | 'unknown';

/** A further round is needed only if somebody else has applied events of the same partition meanwhile. */
const ROUNDS_MAX = 20;

/**
 * Adds users' canonical events of one partition to their counters. However often it is repeated, each event counts once.
 *
 * The script is given sums, not single events. If a user is applied through an offset amid the events, the script adds
 * nothing and replies how far it counts. The sums of the events beyond that are then given to it again.
 *
 * @param partition a partition id
 * @throws CountersError
 */
export async function applyEvents(
  session: CounterSession,
  generations: Generations,
  partition: string,
  users: readonly UserEvents[],
): Promise<ApplyOutcome[]> {
  const outcomes = new Array<ApplyOutcome>(users.length);
  let pending = users.map((user, index) => ({ user, index }));
  for (let round = 1; pending.length > 0; round++) {
    if (round > ROUNDS_MAX) throw new CountersError('COUNTERS_CONTENDED', 'others apply the same events');
    const replies = await session.runForUsers(
      'apply',
      pending.map(({ user }) => applyCommand(session, generations, partition, user)),
    );
    const rest: typeof pending = [];
    pending.forEach(({ user, index }, i) => {
      const reply = replies[i] as number;
      if (reply >= UNKNOWN) outcomes[index] = reply === UNKNOWN ? 'unknown' : reply;
      else {
        const appliedThrough = PARTLY_APPLIED - reply;
        const events = user.events.filter(({ offset }) => offset > appliedThrough);
        rest.push({ user: { ...user, events }, index });
      }
    });
    pending = rest;
  }
  return outcomes;
}

/** Replies of lua/apply.lua. The second one comes less the offset applied through. */
const UNKNOWN = -1;
const PARTLY_APPLIED = -2;

function applyCommand(
  session: CounterSession,
  generations: Generations,
  partition: string,
  { userId, events }: UserEvents,
): UserCommand {
  const { id, retentionMonths } = generationOf(session, generations, userId);
  let lastStartedAt = events[0]!.startedAt;
  const days = new Map<number, Tally>();
  for (const { startedAt, durationMs } of events) {
    if (startedAt > lastStartedAt) lastStartedAt = startedAt;
    const day = dayOf(startedAt);
    const sum = days.get(day);
    if (sum === undefined) days.set(day, { calls: 1, durationMs });
    else {
      sum.calls += 1;
      sum.durationMs += durationMs;
    }
  }
  const keys = [userKey(userId)];
  const keyIndex = (key: string) => {
    const at = keys.indexOf(key);
    return at === -1 ? keys.push(key) : at + 1;
  };
  const args = [id, appliedField(partition), events[0]!.offset, events.at(-1)!.offset, lastStartedAt];
  for (const [day, { calls, durationMs }] of days) {
    const month = monthOf(day);
    const week = weekOf(day);
    const year = isoWeekYear(week);
    args.push(day, dayOfMonth(day), week, month);
    args.push(keyIndex(monthKey(userId, month)), monthExpirySeconds(month, retentionMonths));
    args.push(keyIndex(weekKey(userId, year)), weekExpirySeconds(year, retentionMonths));
    args.push(calls, durationMs);
  }
  return { userId, keys, args };
}
