import {
  type Call,
  ID_RULE,
  isId,
  LAST_INSTANT,
  millisecondsOf,
  parseInstant,
  readDirection,
  readStatus,
} from '@calltally/domain';
import {
  DURATION_BEYOND_END_MAX_MS,
  DURATION_MAX_SECONDS,
  STARTED_AT_AHEAD_MAX_MS,
  STARTED_AT_MIN_MS,
} from './event.ts';
import { type Rejection, type RejectionCode, shown } from './rejection.ts';

/** Fields that a call can do without: what they hold is left out where it is not what they are for. */
export type DroppedField = 'ended_at' | 'direction' | 'status';

/** A call to count, and which fields were left out of it; or why it is none. */
export type Checked =
  | { call: Call; dropped?: readonly DroppedField[]; rejection?: never }
  | { rejection: Rejection; call?: never; dropped?: never };

type Fields = Readonly<Record<string, unknown>>;

/**
 * Whether parsed JSON is a call event, and which call it says. Written by hand because every
 * fault needs its own words; a property test holds it against `CallEventSchema`.
 *
 * @param nowMs the clock's epoch milliseconds
 * @param within what stands before the name of a field in a rejection, such as `data.`
 */
export function checkCallEvent(event: unknown, nowMs: number, within = ''): Checked {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return notObject(event, within);
  const fields = event as Fields;
  const { call_id, user_id, started_at, ended_at, agent_id } = fields;

  if (!isId(call_id)) return idRejected(`${within}call_id`, call_id);
  if (!isId(user_id)) return idRejected(`${within}user_id`, user_id);

  const startedAt = instantOf(started_at);
  if (startedAt === undefined) {
    return instantRejected(`${within}started_at`, 'STARTED_AT_INVALID', started_at);
  }
  // Of a clock that is not known, the last year is left.
  if (startedAt > Math.min(nowMs + STARTED_AT_AHEAD_MAX_MS, LAST_INSTANT)) {
    return rejected(
      'STARTED_AT_IN_FUTURE',
      `${within}started_at`,
      `${shown(started_at)} is more than 5 minutes ahead; set the producer's clock and offset right`,
    );
  }
  if (startedAt < STARTED_AT_MIN_MS) {
    return rejected(
      'STARTED_AT_TOO_OLD',
      `${within}started_at`,
      `${shown(started_at)} lies before the year 2000; set the producer's clock right`,
    );
  }

  const spanMs = ended_at == null ? undefined : spanOf(startedAt, instantOf(ended_at));
  const durationMs = durationOf(fields, startedAt, spanMs, within);
  if (typeof durationMs !== 'number') return durationMs;

  if (isGiven(agent_id) && !isId(agent_id)) return idRejected(`${within}agent_id`, agent_id);

  const call: Call = { callId: call_id, userId: user_id, startedAt, durationMs };
  if (isGiven(agent_id)) call.agentId = agent_id;
  const direction = readDirection(fields.direction);
  if (direction) call.direction = direction;
  const status = readStatus(fields.status);
  if (status) call.status = status;

  const dropped = droppedOf(spanMs, direction, status, fields);
  return dropped.length === 0 ? { call } : { call, dropped };
}

/** Whole milliseconds: `duration_seconds` where it is given, else the span from `started_at` to `ended_at`. */
function durationOf(
  { duration_seconds: seconds, ended_at: endedAt }: Fields,
  startedAt: number,
  spanMs: number | undefined,
  within: string,
): number | Checked {
  if (seconds == null) {
    if (spanMs !== undefined) return spanMs;
    return endedAt == null ? durationMissing(within) : endRejected(endedAt, startedAt, within);
  }
  const field = `${within}duration_seconds`;
  if (typeof seconds !== 'number' || !(seconds >= 0 && seconds <= DURATION_MAX_SECONDS)) {
    return rejected(
      'DURATION_INVALID',
      field,
      `is ${shown(seconds)}; it must be a number of seconds from 0 to ${DURATION_MAX_SECONDS}`,
    );
  }
  // JSON has a -0, which no reader of a call expects.
  const durationMs = seconds === 0 ? 0 : millisecondsOf(seconds);
  if (spanMs === undefined || durationMs <= spanMs + DURATION_BEYOND_END_MAX_MS) return durationMs;
  return rejected(
    'DURATION_LONGER_THAN_CALL',
    field,
    `is ${shown(seconds)}, but ended_at lies ${spanMs / 1000} seconds after started_at; write seconds and not milliseconds, or leave out the one that is wrong`,
  );
}

/** From a start to an end that can be that of the call, in milliseconds; undefined where it cannot. */
function spanOf(startedAt: number, endedAt: number | undefined): number | undefined {
  if (endedAt === undefined) return undefined;
  const spanMs = endedAt - startedAt;
  return spanMs >= 0 && spanMs <= DURATION_MAX_SECONDS * 1000 ? spanMs : undefined;
}

/** Why an end that has to give the duration does not. */
function endRejected(value: unknown, startedAt: number, within: string): Checked {
  const field = `${within}ended_at`;
  const endedAt = instantOf(value);
  if (endedAt === undefined) return instantRejected(field, 'ENDED_AT_INVALID', value);
  if (endedAt < startedAt) {
    return rejected(
      'ENDED_BEFORE_STARTED',
      field,
      `${shown(value)} lies before started_at; write the later one as ended_at, or duration_seconds`,
    );
  }
  return rejected(
    'DURATION_INVALID',
    field,
    `${shown(value)} lies more than ${DURATION_MAX_SECONDS} seconds after started_at; no call lasts that long`,
  );
}

const NOTHING: readonly DroppedField[] = [];

/** Fields that hold something of which nothing could be read. */
function droppedOf(
  spanMs: number | undefined,
  direction: string | undefined,
  status: string | undefined,
  fields: Fields,
): readonly DroppedField[] {
  let dropped = NOTHING;
  if (spanMs === undefined && fields.ended_at != null) dropped = [...dropped, 'ended_at'];
  if (direction === undefined && fields.direction != null) dropped = [...dropped, 'direction'];
  if (status === undefined && fields.status != null) dropped = [...dropped, 'status'];
  return dropped;
}

/** Many producers write null or nothing between the quotes for what they do not have. */
function isGiven<T>(value: T | null | undefined | ''): value is Exclude<T, null | undefined | ''> {
  return value != null && value !== '';
}

function instantOf(value: unknown): number | undefined {
  return typeof value === 'string' ? parseInstant(value) : undefined;
}

function notObject(event: unknown, within: string): Checked {
  if (within === '') {
    const message = `the value is ${shown(event)}; write one JSON object a message`;
    return { rejection: { code: 'EVENT_NOT_OBJECT', message } };
  }
  const field = within.slice(0, -1);
  return rejected(
    'EVENT_NOT_OBJECT',
    field,
    `is ${shown(event)}; write the call event there as a JSON object`,
  );
}

function idRejected(field: string, value: unknown): Checked {
  if (value == null) return missing(field);
  return rejected('FIELD_INVALID', field, `is ${shown(value)}; it must be ${ID_RULE}`);
}

function instantRejected(field: string, code: RejectionCode, value: unknown): Checked {
  if (value == null) return missing(field);
  return rejected(
    code,
    field,
    `is ${shown(value)}; it must be an RFC 3339 date-time with an offset, such as 2026-03-01T09:30:00Z`,
  );
}

function durationMissing(within: string): Checked {
  const field = `${within}duration_seconds`;
  const message = `neither ${field} nor ended_at is given; write one of them`;
  return { rejection: { code: 'DURATION_MISSING', message, field } };
}

function missing(field: string): Checked {
  return rejected('FIELD_MISSING', field, 'is missing; every call event needs it');
}

/** @param fault what is to be said of the field behind its name */
function rejected(code: RejectionCode, field: string, fault: string): Checked {
  return { rejection: { code, message: `${field} ${fault}`, field } };
}
