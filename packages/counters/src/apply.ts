import { dayOf, dayOfMonth, isoWeekYear, monthOf, weekOf } from '@calltally/domain';
import { CountersError } from './errors.ts';
import { type Generations, generationOf } from './generation.ts';
import { appliedField, monthExpirySeconds, monthKey, userKey, weekExpirySeconds, weekKey } from './keys.ts';
import type { CounterSession, UserCommand } from './session.ts';

/** An event that is to be counted: canonical, and its row in Mongo. */
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

/** How many events were added, those at or below `applied` not among them; `unknown` where the user is cold. */
export type ApplyOutcome = number | 'unknown';

/** Each further round means that somebody else has applied events of the same partition meanwhile. */
const ROUNDS = 20;

/**
 * Adds users' canonical events of one partition to their counters, once each, however often it is repeated.
 *
 * The script is given sums and no single events. Where a user's `applied` lies in the midst of the events, it adds
 * nothing and tells how far it counts; then the rest is summed up and given to it again.
 *
 * @param partition `stream:partition`
 * @throws CountersError
 */
export async function applyEvents(
  session: CounterSession,
  generations: Generations,
  partition: string,
  users: readonly UserEvents[],
): Promise<ApplyOutcome[]> {
  const outcomes = new Array<ApplyOutcome>(users.length);
  let pending = users.map((user, place) => ({ user, place }));
  for (let round = 1; pending.length > 0; round++) {
    if (round > ROUNDS) throw new CountersError('COUNTERS_CONTENDED', 'others are applying the same events');
    const replies = await session.runForUsers(
      'apply',
      pending.map(({ user }) => applyCommand(session, generations, partition, user)),
    );
    const rest: typeof pending = [];
    pending.forEach(({ user, place }, i) => {
      const reply = replies[i] as number;
      if (reply >= UNKNOWN) outcomes[place] = reply === UNKNOWN ? 'unknown' : reply;
      else rest.push({ user: beyond(user, IN_THE_MIDST - reply), place });
    });
    pending = rest;
  }
  return outcomes;
}

/** Replies of lua/apply.lua: the second one less `applied`. */
const UNKNOWN = -1;
const IN_THE_MIDST = -2;

function beyond({ userId, events }: UserEvents, applied: number): UserEvents {
  return { userId, events: events.filter(({ offset }) => offset > applied) };
}

/** What is added to the buckets of one UTC day. */
interface DaySum {
  calls: number;
  durationMs: number;
}

function applyCommand(
  session: CounterSession,
  generations: Generations,
  partition: string,
  { userId, events }: UserEvents,
): UserCommand {
  const generation = generationOf(session, generations, userId);
  let lastStartedAt = events[0]!.startedAt;
  const days = new Map<number, DaySum>();
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
  const args: (string | number)[] = [
    generation.id,
    appliedField(partition),
    events[0]!.offset,
    events.at(-1)!.offset,
    lastStartedAt,
  ];
  for (const [day, { calls, durationMs }] of days) {
    const month = monthOf(day);
    const week = weekOf(day);
    const year = isoWeekYear(week);
    args.push(day, dayOfMonth(day), week, month);
    args.push(keyIndex(monthKey(userId, month)), monthExpirySeconds(month, generation.retentionMonths));
    args.push(keyIndex(weekKey(userId, year)), weekExpirySeconds(year, generation.retentionMonths));
    args.push(calls, durationMs);
  }
  return { userId, keys, args };
}
