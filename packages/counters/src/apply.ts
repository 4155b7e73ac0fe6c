import { dayOf, dayOfMonth, isoWeekYear, monthOf, weekOf } from '@calltally/domain';
import { CountersError } from './errors.ts';
import type { Generations } from './generation.ts';
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
export type Applied = number | 'unknown';

/**
 * Adds users' canonical events of one partition to their counters, once each, however often it is repeated.
 * @param partition `stream:partition`
 * @throws CountersError
 */
export async function applyEvents(
  session: CounterSession,
  generations: Generations,
  partition: string,
  users: readonly UserEvents[],
): Promise<Applied[]> {
  const replies = await session.runForUsers(
    'apply',
    users.map((user) => applyCommand(session, generations, partition, user)),
  );
  return replies.map((reply) => (reply === -1 ? 'unknown' : (reply as number)));
}

function applyCommand(
  session: CounterSession,
  generations: Generations,
  partition: string,
  { userId, events }: UserEvents,
): UserCommand {
  const generation = generations.get(session.master(userId));
  if (generation === undefined) throw new CountersError('COUNTERS_GENERATION', 'a master has no generation');
  const keys = [userKey(userId)];
  const keyIndex = (key: string) => {
    const at = keys.indexOf(key);
    return at === -1 ? keys.push(key) : at + 1;
  };
  let lastStartedAt = events[0]!.startedAt;
  const days = new Map<number, CountableEvent[]>();
  for (const event of events) {
    if (event.startedAt > lastStartedAt) lastStartedAt = event.startedAt;
    const day = dayOf(event.startedAt);
    const group = days.get(day);
    if (group === undefined) days.set(day, [event]);
    else group.push(event);
  }
  const args: (string | number)[] = [
    generation.id,
    appliedField(partition),
    events.at(-1)!.offset,
    lastStartedAt,
  ];
  for (const [day, group] of days) {
    const month = monthOf(day);
    const week = weekOf(day);
    const year = isoWeekYear(week);
    args.push(day, dayOfMonth(day), week, month);
    args.push(keyIndex(monthKey(userId, month)), monthExpirySeconds(month, generation.retentionMonths));
    args.push(keyIndex(weekKey(userId, year)), weekExpirySeconds(year, generation.retentionMonths));
    args.push(group.length);
    for (const event of group) args.push(event.offset, event.durationMs);
  }
  return { userId, keys, args };
}
