import { shown } from '@calltally/contract';
import type { HookDefinition } from '../definition.ts';
import { type EpochTime, firstEpoch } from '../epoch.ts';
import {
  type Fields,
  fieldsOf,
  given,
  missing,
  notJson,
  optionalId,
  type Rejected,
  readId,
  readUser,
  textOf,
  translated,
} from '../event-fields.ts';
import { readToken } from '../hs256.ts';
import { parseJsonBytes } from '../json.ts';
import { valueAt } from '../path.ts';
import type { HookRequest, HookSecret, Provider, Reading, SignatureFault } from '../provider.ts';
import { decodeSignature, headerOf, sameBytes, sha256 } from '../signatures.ts';

/** As much as LiveKit's own verifier allows. */
const LEEWAY_MS = 60_000;
const SHA256_BYTES = 32;

/** Names of an enum in the order of their numbers, each with its meaning; empty: none. */
type Enum = Readonly<Record<string, string>>;

const JOB_STATUSES: Enum = { JS_PENDING: '', JS_RUNNING: '', JS_SUCCESS: 'completed', JS_FAILED: 'failed' };

/** Whoever hangs up, the call is completed; it fails where the connection does. */
const DISCONNECT_REASONS: Enum = {
  UNKNOWN_REASON: '',
  CLIENT_INITIATED: 'completed',
  DUPLICATE_IDENTITY: 'completed',
  SERVER_SHUTDOWN: 'failed',
  PARTICIPANT_REMOVED: 'completed',
  ROOM_DELETED: 'completed',
  STATE_MISMATCH: 'failed',
  JOIN_FAILURE: 'failed',
  MIGRATION: '',
  SIGNAL_CLOSE: 'failed',
  ROOM_CLOSED: 'completed',
  USER_UNAVAILABLE: 'no_answer',
  USER_REJECTED: 'busy',
  SIP_TRUNK_FAILURE: 'failed',
  CONNECTION_TIMEOUT: 'failed',
  MEDIA_FAILURE: 'failed',
  AGENT_ERROR: 'failed',
};

/** `ParticipantInfo.Kind` in the order of its numbers. */
const KINDS = ['STANDARD', 'INGRESS', 'EGRESS', 'SIP', 'AGENT'];
const NO_CALLERS: readonly (string | undefined)[] = ['INGRESS', 'EGRESS', 'AGENT'];
/** LiveKit does not tell a direction, so this one is only likely. */
const DIRECTIONS: Readonly<Record<string, string>> = { STANDARD: 'web', SIP: 'inbound' };

const READERS: Readonly<Record<string, (payload: Fields, definition: HookDefinition) => Reading>> = {
  agent_job_ended: readJob,
  participant_left: readParticipant,
  room_finished: readRoom,
};

/**
 * LiveKit. Three of its webhooks tell the end of a call, each in its own way: an agent's job, a participant, or the room. The
 * JSON is that of protojson: an int64 is a string, and what is zero is absent.
 */
export const livekit: Provider = {
  events: Object.keys(READERS),
  defaultEvents: ['agent_job_ended'],
  takesOneEvent: true,
  secretKept: () => 'encrypted',
  verify,
  read: (request, definition) => [read(request, definition)],
};

/** A token in `Authorization`, without `Bearer`. It holds the SHA-256 of the body. */
function verify(request: HookRequest, secrets: readonly HookSecret[]): SignatureFault | undefined {
  const token = headerOf(request, 'authorization');
  if (token === undefined) return 'SIGNATURE_MISSING';
  const read = readToken(token, secrets);
  if ('fault' in read) return read.fault;

  const { sha256: claimed, exp, nbf = 0 } = read.claims;
  const digest = typeof claimed === 'string' ? decodeSignature(claimed, 'base64', SHA256_BYTES) : undefined;
  if (digest === undefined || !sameBytes(digest, sha256(request.body))) return 'SIGNATURE_INVALID';
  if (typeof exp !== 'number' || typeof nbf !== 'number') return 'SIGNATURE_INVALID';
  const isLate = request.receivedAtMs > exp * 1000 + LEEWAY_MS;
  const isEarly = request.receivedAtMs < nbf * 1000 - LEEWAY_MS;
  return isLate || isEarly ? 'SIGNATURE_STALE' : undefined;
}

function read({ body }: HookRequest, definition: HookDefinition): Reading {
  const payload = parseJsonBytes(body);
  if (payload === undefined) return notJson();
  const { event: name } = fieldsOf(payload);
  const event = textOf(name) ?? '';
  const reader = READERS[event];
  const events = definition.events ?? livekit.defaultEvents;
  if (reader === undefined || !events.includes(event)) {
    return { skipped: `the hook does not take the event ${shown(name)}` };
  }
  return reader(fieldsOf(payload), definition);
}

/** One job is one agent in one call: after a transfer to another agent, there are two. */
function readJob(payload: Fields, definition: HookDefinition): Reading {
  const job = fieldsOf(payload.job);
  const state = fieldsOf(job.state);
  const ended = firstEpoch(
    [get(state, 'endedAt'), 'ns', 'job.state.endedAt'],
    [get(payload, 'createdAt'), 's', 'createdAt'],
  );
  if (ended === undefined) return missing('job.state.endedAt', 'the call ended then');
  // A job without a start never ran.
  const started = firstEpoch([get(state, 'startedAt'), 'ns', 'job.state.startedAt']) ?? ended;
  return reading(payload, definition, started, ended, {
    id: job.id,
    field: 'job.id',
    agent_id: optionalId(get(job, 'agentName')),
    direction: definition.direction,
    status: meaningOf(state.status, JOB_STATUSES),
  });
}

/** One participant is one call. An identity comes again after a reconnect, the sid does not. */
function readParticipant(payload: Fields, definition: HookDefinition): Reading {
  const participant = fieldsOf(payload.participant);
  const kind = nameOf(participant.kind ?? 'STANDARD', KINDS);
  if (NO_CALLERS.includes(kind)) return { skipped: `a participant of the kind ${kind} is no caller` };
  const reason = get(participant, 'disconnectReason');
  if (nameOf(reason, Object.keys(DISCONNECT_REASONS)) === 'MIGRATION') {
    return { skipped: 'the participant moved to another server, and leaves later' };
  }
  const started = firstEpoch(
    [get(participant, 'joinedAtMs'), 'ms', 'participant.joinedAtMs'],
    [get(participant, 'joinedAt'), 's', 'participant.joinedAt'],
  );
  if (started === undefined) return { skipped: 'the participant never joined' };
  const ended = readEnd(payload);
  return reading(payload, definition, started, ended, {
    id: participant.sid,
    field: 'participant.sid',
    direction:
      definition.direction ?? (kind && Object.hasOwn(DIRECTIONS, kind) ? DIRECTIONS[kind] : undefined),
    status: meaningOf(reason, DISCONNECT_REASONS),
  });
}

/** A room's name is used again, its sid is not. The end includes the wait for others after the last one has left. */
function readRoom(payload: Fields, definition: HookDefinition): Reading {
  const room = fieldsOf(payload.room);
  const started = firstEpoch(
    [get(room, 'creationTimeMs'), 'ms', 'room.creationTimeMs'],
    [get(room, 'creationTime'), 's', 'room.creationTime'],
  );
  if (started === undefined) return missing('room.creationTime', 'the call started then');
  return reading(payload, definition, started, readEnd(payload), {
    id: room.sid,
    field: 'room.sid',
    agent_id: optionalId(valueAt(room, ['metadata', 'agent_id'])),
    direction: definition.direction ?? 'web',
  });
}

function readEnd(payload: Fields): EpochTime | Rejected {
  return (
    firstEpoch([get(payload, 'createdAt'), 's', 'createdAt']) ?? missing('createdAt', 'the call ended then')
  );
}

function reading(
  payload: Fields,
  definition: HookDefinition,
  started: EpochTime | Rejected,
  ended: EpochTime | Rejected,
  { id, field, ...attributes }: { id: unknown; field: string } & Fields,
): Reading {
  const call = readId(id, field, 'it identifies the call');
  if ('rejection' in call) return call;
  const user = readUser(payload, definition);
  if ('rejection' in user) return user;
  if ('rejection' in started) return started;
  if ('rejection' in ended) return ended;
  // Ends in whole seconds may lie before starts in milliseconds.
  const isSameSecond = ended.ms < started.ms && started.ms - ended.ms < 1000;
  return {
    event: given({
      call_id: call.id,
      user_id: user.id,
      started_at: started.text,
      ended_at: (isSameSecond ? started : ended).text,
      ...attributes,
    }),
  };
}

/** A field by its name of protojson, or of the .proto file, which protojson may be told to use. */
function get(fields: Fields, name: string): unknown {
  return fields[name] ?? fields[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)];
}

/** The name of an enum's value, which protojson may be told to write as a number. */
function nameOf(value: unknown, names: readonly string[]): string | undefined {
  const text = textOf(value);
  return text !== undefined && /^\d+$/.test(text) ? names[Number(text)] : text;
}

/** What a value of an enum means; a name that is not known is kept. */
function meaningOf(value: unknown, meanings: Enum): string | undefined {
  return translated(nameOf(value, Object.keys(meanings)), meanings) || undefined;
}
