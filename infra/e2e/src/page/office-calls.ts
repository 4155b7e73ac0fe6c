import type { CompletedCallEvent } from '@calltally/contract';
import { Chance } from '../random.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const QUIET_MS = 600_000;
const LABELS_SEED = 1_000_000;
/** The more often, the more often it is picked. */
const AGENTS = ['ada', 'ada', 'ada', 'grace', 'grace', 'katherine', 'katherine', 'mary', 'voice-agent-1'];
const DIRECTIONS = ['inbound', 'inbound', 'inbound', 'outbound', 'outbound', 'web'];
const STATUSES = ['completed', 'completed', 'completed', 'completed', 'no_answer', 'voicemail', 'busy'];
/** Sunday first, as JavaScript counts. */
const CALLS_OF_WEEKDAY = [6, 41, 38, 44, 36, 31, 9];

/**
 * The calls of a small office up to now: many on working days, few on others, none on some days, most of them short. Some
 * lack an agent, a direction or a status.
 * One starts right now, so that today has a call even just after midnight. No call of an earlier day starts in the time
 * of day during which the test runs: the previous period ends at the current time of day, so its figures stay the same
 * meanwhile.
 */
export function officeCalls(userId: string, days: number, nowMs: number): CompletedCallEvent[] {
  const today = Math.floor(nowMs / DAY_MS);
  const past = Array.from({ length: days }, (_, i) => callsOfDay(userId, today - days + 1 + i)).flat();
  const isKept = ({ started_at }: CompletedCallEvent) => {
    const agoMs = nowMs - new Date(started_at).getTime();
    const ofDayMs = (DAY_MS - (agoMs % DAY_MS)) % DAY_MS;
    return agoMs > 0 && ofDayMs > QUIET_MS;
  };
  const last = { call_id: `${userId}-now`, user_id: userId, started_at: new Date(nowMs).toISOString() };
  return [...past.filter(isKept), { ...last, duration_seconds: 90.5 }];
}

function callsOfDay(userId: string, day: number): CompletedCallEvent[] {
  const chance = new Chance(day);
  const labels = new Chance(day + LABELS_SEED);
  const isClosed = chance.chance(0.05);
  const count = isClosed ? 0 : CALLS_OF_WEEKDAY[new Date(day * DAY_MS).getUTCDay()]! + chance.int(-5, 5);
  return Array.from({ length: count }, (_, i) => {
    const hour = (chance.next() + chance.next() + chance.next()) * 8;
    const longest = chance.chance(0.1) ? 2_400_000 : 420_000;
    return {
      call_id: `${userId}-${day}-${i}`,
      user_id: userId,
      started_at: new Date(day * DAY_MS + Math.floor(hour * HOUR_MS)).toISOString(),
      duration_seconds: chance.int(0, longest) / 1000,
      ...(labels.chance(0.95) && { agent_id: labels.pick(AGENTS) }),
      ...(labels.chance(0.98) && { direction: labels.pick(DIRECTIONS) }),
      ...(labels.chance(0.98) && { status: labels.pick(STATUSES) }),
    };
  });
}
