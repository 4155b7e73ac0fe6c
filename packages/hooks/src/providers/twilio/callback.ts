import { shown } from '@calltally/contract';
import { formatInstant, parseInstant, readStatus } from '@calltally/domain';
import type { HookDefinition } from '../../definition.ts';
import {
  type Fields,
  given,
  missing,
  type Rejected,
  readId,
  readSeconds,
  readUser,
  rejected,
  textOf,
} from '../../event-fields.ts';
import { readTime } from '../../mapping/read-time.ts';
import type { HookRequest, Reading } from '../../provider.ts';
import { childLeg, directionOf, refined, userPlaces } from './call.ts';
import { formOf, queryOf } from './request.ts';

const GOING_ON = ['queued', 'initiated', 'ringing', 'in-progress', 'answered'];
const ENDED = ['completed', 'busy', 'failed', 'no_answer', 'canceled'];

/** Reads a status callback: a form. It tells no start: the call ended at `Timestamp`, and `Duration` is minutes. */
export function readCallback(request: HookRequest, definition: HookDefinition): Reading {
  const call: Fields = Object.fromEntries(formOf(request));
  const status = textOf(call.CallStatus);
  if (status === undefined) return { skipped: 'no status callback: it has no CallStatus' };
  if (GOING_ON.includes(status)) return { skipped: `the call is ${status} and has not ended` };
  const outcome = readStatus(status);
  if (outcome === undefined || !ENDED.includes(outcome)) {
    const fault = `is ${shown(status)}; it must be one of ${[...GOING_ON, ...ENDED].join(', ')}`;
    return rejected('FIELD_INVALID', 'CallStatus', fault);
  }
  const leg = childLeg(call.ParentCallSid, call.Direction);
  if (leg !== undefined) return leg;

  const id = readId(call.CallSid, 'CallSid', 'it identifies the call');
  if ('rejection' in id) return id;
  const user = readUser(userPlaces(call, queryOf(request)), definition);
  if ('rejection' in user) return user;
  const times = readTimes(call, outcome, request.receivedAtMs);
  if ('rejection' in times) return times;
  return {
    event: given({
      call_id: id.id,
      user_id: user.id,
      started_at: formatInstant(times.endedAtMs - Math.round(times.seconds * 1000)),
      duration_seconds: times.seconds,
      direction: directionOf(call.Direction) ?? definition.direction,
      status: refined(outcome, call.AnsweredBy),
    }),
    ...(call.Timestamp === undefined && { startsAtReceipt: true }),
  };
}

function readTimes(
  { CallDuration: duration, Timestamp: timestamp }: Fields,
  outcome: string,
  receivedAtMs: number,
): { seconds: number; endedAtMs: number } | Rejected {
  // Twilio leaves it out of calls that nobody answered.
  const seconds = readSeconds(duration, 'CallDuration') ?? (outcome === 'completed' ? undefined : 0);
  if (seconds === undefined) return missing('CallDuration', 'it tells how long the call lasted, in seconds');
  if (typeof seconds !== 'number') return seconds;
  const told = textOf(timestamp);
  if (told === undefined) return { seconds, endedAtMs: receivedAtMs };
  const { time, fault } = readTime(told, 'text', undefined);
  if (fault !== undefined) return rejected('FIELD_INVALID', 'Timestamp', `is ${shown(told)}; ${fault}`);
  return { seconds, endedAtMs: parseInstant(time)! };
}
