import {
  type Call,
  DIRECTIONS,
  type Direction,
  ID_PATTERN,
  millisecondsOf,
  parseInstant,
  STATUSES,
  type Status,
} from '@calltally/domain';
import {
  AGENT_ID_MAX_CHARACTERS,
  DURATION_MAX_SECONDS,
  STARTED_AT_AHEAD_MAX_MS,
  STARTED_AT_MIN_MS,
} from './event.ts';
import { type Rejection, type RejectionCode, shown } from './rejection.ts';

type Checked = { call: Call; rejection?: never } | { rejection: Rejection; call?: never };

const idPattern = new RegExp(ID_PATTERN);
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f]/;
const directions: ReadonlySet<unknown> = new Set(DIRECTIONS);
const statuses: ReadonlySet<unknown> = new Set(STATUSES);

/**
 * Whether parsed JSON is a call event, and which call it says. Written by hand because every
 * fault needs its own words; a property test holds it against `CallEventSchema`.
 *
 * @param nowMs the clock's epoch milliseconds
 */
export function checkCallEvent(event: unknown, nowMs: number): Checked {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    return rejected(
      'EVENT_NOT_OBJECT',
      undefined,
      `the value is ${shown(event)}; write one JSON object a message`,
    );
  }
  const fields = event as Record<string, unknown>;
  const { call_id, user_id, started_at, agent_id, direction, status } = fields;

  if (!isId(call_id)) return idRejected('call_id', call_id);
  if (!isId(user_id)) return idRejected('user_id', user_id);

  const startedAt = instantOf(started_at);
  if (startedAt === undefined) return instantRejected('started_at', 'STARTED_AT_INVALID', started_at);
  if (startedAt > nowMs + STARTED_AT_AHEAD_MAX_MS) {
    return rejected(
      'STARTED_AT_IN_FUTURE',
      'started_at',
      `started_at ${shown(started_at)} is more than 5 minutes ahead; set the producer's clock and offset right`,
    );
  }
  if (startedAt < STARTED_AT_MIN_MS) {
    return rejected(
      'STARTED_AT_TOO_OLD',
      'started_at',
      `started_at ${shown(started_at)} lies before the year 2000; set the producer's clock right`,
    );
  }

  const durationMs = durationOf(fields.duration_seconds, fields.ended_at, startedAt);
  if (typeof durationMs !== 'number') return durationMs;

  if (agent_id != null && !isAgentId(agent_id)) return agentIdRejected(agent_id);
  if (direction != null && !directions.has(direction))
    return enumRejected('direction', direction, DIRECTIONS);
  if (status != null && !statuses.has(status)) return enumRejected('status', status, STATUSES);

  const call: Call = { callId: call_id, userId: user_id, startedAt, durationMs };
  if (agent_id != null) call.agentId = agent_id;
  if (direction != null) call.direction = direction as Direction;
  if (status != null) call.status = status as Status;
  return { call };
}

/** Whole milliseconds, from `duration_seconds` where it is given and else from `ended_at`. */
function durationOf(seconds: unknown, endedAt: unknown, startedAt: number): number | Checked {
  let ended: number | undefined;
  if (endedAt != null) {
    ended = instantOf(endedAt);
    if (ended === undefined) return instantRejected('ended_at', 'ENDED_AT_INVALID', endedAt);
  }
  if (seconds != null) {
    if (typeof seconds !== 'number' || !(seconds >= 0 && seconds <= DURATION_MAX_SECONDS)) {
      return rejected(
        'DURATION_INVALID',
        'duration_seconds',
        `duration_seconds is ${shown(seconds)}; it must be a number of seconds from 0 to ${DURATION_MAX_SECONDS}`,
      );
    }
    // JSON has a -0, which no reader of a call expects.
    return seconds === 0 ? 0 : millisecondsOf(seconds);
  }
  if (ended === undefined) {
    return rejected(
      'DURATION_MISSING',
      'duration_seconds',
      'neither duration_seconds nor ended_at is given; write one of them',
    );
  }
  if (ended < startedAt) {
    return rejected(
      'ENDED_BEFORE_STARTED',
      'ended_at',
      `ended_at ${shown(endedAt)} lies before started_at; write the later one as ended_at, or duration_seconds`,
    );
  }
  if (ended - startedAt > DURATION_MAX_SECONDS * 1000) {
    return rejected(
      'DURATION_INVALID',
      'ended_at',
      `ended_at ${shown(endedAt)} lies more than ${DURATION_MAX_SECONDS} seconds after started_at; no call lasts that long`,
    );
  }
  return ended - startedAt;
}

function isAgentId(value: unknown): value is string {
  // A lone surrogate would come back from the store as another character.
  return (
    typeof value === 'string' &&
    value.length <= AGENT_ID_MAX_CHARACTERS &&
    !CONTROL_CHARACTER.test(value) &&
    value.isWellFormed()
  );
}

function agentIdRejected(value: unknown): Checked {
  return rejected(
    'FIELD_INVALID',
    'agent_id',
    `agent_id is ${shown(value)}; it must be a string of at most ${AGENT_ID_MAX_CHARACTERS} characters without control characters`,
  );
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && idPattern.test(value);
}

function instantOf(value: unknown): number | undefined {
  return typeof value === 'string' ? parseInstant(value) : undefined;
}

function idRejected(field: string, value: unknown): Checked {
  if (value == null) return missing(field);
  return rejected(
    'FIELD_INVALID',
    field,
    `${field} is ${shown(value)}; it must be a string of 1 to 128 of A-Z a-z 0-9 _ . : @ | - that begins with a letter or digit`,
  );
}

function instantRejected(field: string, code: RejectionCode, value: unknown): Checked {
  if (value == null) return missing(field);
  return rejected(
    code,
    field,
    `${field} is ${shown(value)}; it must be an RFC 3339 date-time with an offset, such as 2026-03-01T09:30:00Z`,
  );
}

function enumRejected(field: string, value: unknown, allowed: readonly string[]): Checked {
  return rejected(
    'FIELD_INVALID',
    field,
    `${field} is ${shown(value)}; it must be one of ${allowed.join(', ')}`,
  );
}

function missing(field: string): Checked {
  return rejected('FIELD_MISSING', field, `${field} is missing; every call event needs it`);
}

function rejected(code: RejectionCode, field: string | undefined, message: string): Checked {
  return { rejection: field === undefined ? { code, message } : { code, message, field } };
}
