import { shown } from '@calltally/contract';
import { formatInstant, isId, parseInstant, readStatus } from '@calltally/domain';
import type { HookDefinition } from '../definition.ts';
import {
  type Fields,
  fieldsOf,
  given,
  missing,
  notJson,
  numberOf,
  type Rejected,
  readId,
  readSeconds,
  readUser,
  rejected,
  textOf,
  translated,
} from '../event-fields.ts';
import { parseJsonBytes } from '../json.ts';
import { readTime } from '../mapping/read-time.ts';
import type { HookRequest, HookSecret, Provider, Reading, SignatureFault } from '../provider.ts';
import { decodeSignature, headerOf, hmac, isSignedByOne, staleness } from '../signatures.ts';

const TOLERANCE_MS = 30 * 60_000;
const SIGNATURE_BYTES = 32;

const TRANSCRIPTION = 'post_call_transcription';
const FAILURE = 'call_initiation_failure';

const STATUSES = { done: 'completed', failed: 'failed' };

/** How a phone call may have gone, where ElevenLabs placed it. `answered` says no more than the conversation's own status. */
const RESULTS = ['voicemail', 'busy', 'no_answer', 'failed'];

/** Why a call was not placed, where that is more than a failure. */
const REASONS = ['busy', 'no_answer', 'canceled', 'voicemail'];

/** Conversations that come by telephone without `phone_call`. */
const TELEPHONY = [
  'sip_trunk',
  'twilio',
  'exotel',
  'genesys',
  'genesys_bot_connector',
  'avaya',
  'audiocodes',
];

/** ElevenLabs agents. A conversation ends with its transcription; a call that could not be placed has a webhook of its own. */
export const elevenlabs: Provider = {
  wants200: true,
  events: [TRANSCRIPTION, FAILURE],
  defaultEvents: [TRANSCRIPTION, FAILURE],
  secretKept: () => 'encrypted',
  verify,
  read: (request, definition) => [read(request, definition)],
};

/** `t=<epoch s>,v0=<hex>`: HMAC-SHA256 of the time, a dot and the body. */
function verify(request: HookRequest, secrets: readonly HookSecret[]): SignatureFault | undefined {
  const header = headerOf(request, 'elevenlabs-signature') ?? '';
  const [, signedAt = '', hex = ''] = /^t=(\d{1,12}),v0=([\da-f]+)$/i.exec(header) ?? [];
  const signature = decodeSignature(hex, 'hex', SIGNATURE_BYTES);
  if (signature === undefined) return 'SIGNATURE_MISSING';
  if (!isSignedByOne(secrets, signature, (secret) => hmac('sha256', secret, `${signedAt}.`, request.body))) {
    return 'SIGNATURE_INVALID';
  }
  return staleness(request, Number(signedAt) * 1000, TOLERANCE_MS);
}

function read({ body }: HookRequest, definition: HookDefinition): Reading {
  const payload = parseJsonBytes(body);
  if (payload === undefined) return notJson();
  const { type, event_timestamp: sentAt, data: told } = fieldsOf(payload);
  if (!(definition.events ?? elevenlabs.defaultEvents).some((taken) => taken === type)) {
    return { skipped: `the hook does not take the event ${shown(type)}` };
  }
  const data = fieldsOf(told);
  const metadata = fieldsOf(data.metadata);
  if (metadata.text_only === true) return { skipped: 'a conversation in writing, no call' };

  const id = readId(data.conversation_id, 'data.conversation_id', 'it identifies the call');
  if ('rejection' in id) return id;
  const user = readUser(payload, definition);
  if ('rejection' in user) return user;
  const isFailure = type === FAILURE;
  const status = isFailure ? failureStatus(data.failure_reason) : statusOf(data, metadata);
  const times = isFailure ? readTimes({}, sentAt, 'failed') : readTimes(metadata, sentAt, status);
  if ('rejection' in times) return times;
  return {
    event: given({
      call_id: id.id,
      user_id: user.id,
      ...times,
      agent_id: isId(data.agent_id) ? data.agent_id : undefined,
      direction: isFailure ? 'outbound' : directionOf(metadata, definition),
      status,
    }),
  };
}

/** What could not be placed failed, for whatever reason. */
function failureStatus(reason: unknown): string {
  const status = readStatus(reason) ?? '';
  return REASONS.includes(status) ? status : 'failed';
}

function statusOf({ status }: Fields, { phone_call: phoneCall, features_usage: features }: Fields) {
  const result = textOf(fieldsOf(phoneCall).call_result);
  if (result !== undefined && RESULTS.includes(result)) return result;
  if (fieldsOf(fieldsOf(features).voicemail_detection).used === true) return 'voicemail';
  return translated(status, STATUSES);
}

/** Without a telephone it is the web. */
function directionOf(
  { phone_call: phoneCall, conversation_initiation_source: source }: Fields,
  { direction }: HookDefinition,
): string | undefined {
  const told = textOf(fieldsOf(phoneCall).direction);
  if (told !== undefined) return told;
  const isTelephony = phoneCall != null || TELEPHONY.some((name) => name === source);
  return direction ?? (isTelephony ? undefined : 'web');
}

/** @param sentAt stands for the end where no start is told: the webhook follows the call after its analysis */
function readTimes(
  { start_time_unix_secs: start, call_duration_secs: duration }: Fields,
  sentAt: unknown,
  status: string | undefined,
): { started_at: string; duration_seconds: number } | Rejected {
  const field = 'data.metadata.call_duration_secs';
  const seconds = readSeconds(duration, field) ?? (status === 'failed' ? 0 : undefined);
  if (seconds === undefined) return missing(field, 'it tells how long the call lasted');
  if (typeof seconds !== 'number') return seconds;
  const startedAt = readUnixSeconds(start, 'data.metadata.start_time_unix_secs');
  if (typeof startedAt === 'string') return { started_at: startedAt, duration_seconds: seconds };
  if (startedAt !== undefined) return startedAt;
  const endedAt =
    readUnixSeconds(sentAt, 'event_timestamp') ?? missing('event_timestamp', 'no other time is told');
  if (typeof endedAt !== 'string') return endedAt;
  const startedAtMs = parseInstant(endedAt)! - Math.round(seconds * 1000);
  return { started_at: formatInstant(startedAtMs), duration_seconds: seconds };
}

/** @returns undefined if there is none; zero is none */
function readUnixSeconds(value: unknown, field: string): string | Rejected | undefined {
  if (value == null || value === '' || numberOf(value) === 0) return undefined;
  const { time, fault } = readTime(value, 's', undefined);
  return time ?? rejected('FIELD_INVALID', field, `is ${shown(value)}; ${fault}`);
}
