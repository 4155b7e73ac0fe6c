import {
  type Call,
  type CallVersion,
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

/** Fields that are left out of a call if their value is invalid; of a deleted call any that it does not need. */
export type DroppedField =
  | 'started_at'
  | 'duration_seconds'
  | 'ended_at'
  | 'agent_id'
  | 'direction'
  | 'status';

/** What the event says about a call, and which fields were left out of it; or why the event is rejected. */
export type Checked =
  | { call: CallVersion; dropped?: readonly DroppedField[]; rejection?: never }
  | { rejection: Rejection; call?: never; dropped?: never };

type Fields = Readonly<Record<string, unknown>>;

/**
 * Checks that parsed JSON is a call event, and converts it to what it says about a call. Written by hand because every fault needs its own
 * message; a property test compares it with `CallEventSchema`.
 *
 * @param nowMs the current time, epoch ms
 * @param within prefix of field names in a rejection, such as `data.`
 */
export function checkCallEvent(event: unknown, nowMs: number, within = ''): Checked {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return notObject(event, within);
  const fields = event as Fields;
  const { call_id, user_id, started_at, ended_at, agent_id } = fields;

  if (!isId(call_id)) return idRejected(`${within}call_id`, call_id);
  if (!isId(user_id)) return idRejected(`${within}user_id`, user_id);

  const revision = fields.revision ?? 0;
  const deleted = fields.deleted ?? false;
  if (!Number.isSafeInteger(revision) || (revision as number) < 0) {
    return rejected(
      'FIELD_INVALID',
      `${within}revision`,
      `is ${shown(revision)}; it must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
    );
  }
  if (typeof deleted !== 'boolean') {
    return rejected('FIELD_INVALID', `${within}deleted`, `is ${shown(deleted)}; it must be true or false`);
  }
  if (deleted) return checkDeleted(call_id, user_id, revision as number, fields, within);

  const startedAt = instantOf(started_at);
  if (startedAt === undefined) {
    return instantRejected(`${within}started_at`, 'STARTED_AT_INVALID', started_at);
  }
  // If `nowMs` is Infinity, only the year 9999 limits the start.
  if (startedAt > Math.min(nowMs + STARTED_AT_AHEAD_MAX_MS, LAST_INSTANT)) {
    return rejected(
      'STARTED_AT_IN_FUTURE',
      `${within}started_at`,
      `${shown(started_at)} is more than 5 minutes in the future; correct the producer's clock and offset`,
    );
  }
  if (startedAt < STARTED_AT_MIN_MS) {
    return rejected(
      'STARTED_AT_TOO_OLD',
      `${within}started_at`,
      `${shown(started_at)} is before the year 2000; correct the producer's clock`,
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
  if (revision !== 0) call.revision = revision as number;

  const dropped = droppedOf(spanMs, direction, status, fields);
  return dropped.length === 0 ? { call } : { call, dropped };
}

/** A call that is taken back needs nothing else, so nothing else costs it. */
function checkDeleted(
  callId: string,
  userId: string,
  revision: number,
  fields: Fields,
  within: string,
): Checked {
  if (revision === 0) {
    return rejected(
      fields.revision == null ? 'FIELD_MISSING' : 'FIELD_INVALID',
      `${within}revision`,
      fields.revision == null
        ? 'is missing; a deleted call needs a revision of at least 1'
        : 'is 0; a deleted call needs a revision of at least 1, higher than those before',
    );
  }
  const { started_at, duration_seconds: seconds, ended_at, agent_id } = fields;
  const dropped: DroppedField[] = [];
  if (started_at != null && instantOf(started_at) === undefined) dropped.push('started_at');
  if (seconds != null && !isDuration(seconds)) dropped.push('duration_seconds');
  if (ended_at != null && instantOf(ended_at) === undefined) dropped.push('ended_at');
  if (isGiven(agent_id) && !isId(agent_id)) dropped.push('agent_id');
  if (fields.direction != null && readDirection(fields.direction) === undefined) dropped.push('direction');
  if (fields.status != null && readStatus(fields.status) === undefined) dropped.push('status');
  const call: CallVersion = { callId, userId, revision, deleted: true };
  return dropped.length === 0 ? { call } : { call, dropped };
}

function isDuration(seconds: unknown): seconds is number {
  return typeof seconds === 'number' && seconds >= 0 && seconds <= DURATION_MAX_SECONDS;
}

/** Whole milliseconds: `duration_seconds` if given, otherwise the time from `started_at` to `ended_at`. */
function durationOf(
  { duration_seconds: seconds, ended_at: endedAt }: Fields,
  startedAt: number,
  spanMs: number | undefined,
  within: string,
): number | Checked {
  if (seconds == null) {
    if (spanMs !== undefined) return spanMs;
    if (endedAt != null) return endRejected(endedAt, startedAt, within);
    return rejected(
      'DURATION_MISSING',
      `${within}duration_seconds`,
      'and ended_at are missing; write one of them',
    );
  }
  const field = `${within}duration_seconds`;
  if (!isDuration(seconds)) {
    return rejected(
      'DURATION_INVALID',
      field,
      `is ${shown(seconds)}; it must be a number of seconds from 0 to ${DURATION_MAX_SECONDS}`,
    );
  }
  // JSON can hold -0.
  const durationMs = seconds === 0 ? 0 : millisecondsOf(seconds);
  if (spanMs === undefined || durationMs <= spanMs + DURATION_BEYOND_END_MAX_MS) return durationMs;
  return rejected(
    'DURATION_LONGER_THAN_CALL',
    field,
    `is ${shown(seconds)}, but ended_at is ${spanMs / 1000} seconds after started_at; write seconds, not milliseconds, or leave out the wrong field`,
  );
}

/** Milliseconds from start to end; undefined if this cannot be the end of the call. */
function spanOf(startedAt: number, endedAt: number | undefined): number | undefined {
  if (endedAt === undefined) return undefined;
  const spanMs = endedAt - startedAt;
  return spanMs >= 0 && spanMs <= DURATION_MAX_SECONDS * 1000 ? spanMs : undefined;
}

/** Why `ended_at` does not give a duration. */
function endRejected(value: unknown, startedAt: number, within: string): Checked {
  const field = `${within}ended_at`;
  const endedAt = instantOf(value);
  if (endedAt === undefined) return instantRejected(field, 'ENDED_AT_INVALID', value);
  if (endedAt < startedAt) {
    return rejected(
      'ENDED_BEFORE_STARTED',
      field,
      `${shown(value)} is before started_at; write the later time as ended_at, or write duration_seconds`,
    );
  }
  return rejected(
    'DURATION_INVALID',
    field,
    `${shown(value)} is more than ${DURATION_MAX_SECONDS} seconds after started_at; correct the two times`,
  );
}

const NOTHING: readonly DroppedField[] = [];

/** The optional fields whose value is invalid. */
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

/** Many producers write null or an empty string for a missing value. */
function isGiven<T>(value: T | null | undefined | ''): value is Exclude<T, null | undefined | ''> {
  return value != null && value !== '';
}

function instantOf(value: unknown): number | undefined {
  return typeof value === 'string' ? parseInstant(value) : undefined;
}

function notObject(event: unknown, within: string): Checked {
  if (within !== '') {
    const fault = `is ${shown(event)}; write the call event there as a JSON object`;
    return rejected('EVENT_NOT_OBJECT', within.slice(0, -1), fault);
  }
  const message = `the value is ${shown(event)}; write one JSON object per message`;
  return { rejection: { code: 'EVENT_NOT_OBJECT', message } };
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

function missing(field: string): Checked {
  return rejected('FIELD_MISSING', field, 'is missing; every call event must have it');
}

/** @param fault continues the message after the field's name */
function rejected(code: RejectionCode, field: string, fault: string): Checked {
  return { rejection: { code, message: `${field} ${fault}`, field } };
}
