import { shown } from '@calltally/contract';
import type { HookDefinition } from '../definition.ts';
import { type EpochTime, readEpoch } from '../epoch.ts';
import {
  type Fields,
  fieldsOf,
  given,
  isRejected,
  missing,
  notJson,
  numberOf,
  optionalId,
  type Rejected,
  readId,
  readUser,
  rejected,
  textOf,
  translated,
} from '../event-fields.ts';
import { parseJsonBytes } from '../json.ts';
import type { HookRequest, HookSecret, Provider, Reading, SignatureFault } from '../provider.ts';
import { decodeSignature, headerOf, hmac, isSignedByOne, staleness } from '../signatures.ts';

const TOLERANCE_MS = 5 * 60_000;
const HMAC_BYTES = 32;

/** Disconnection reasons. A call that was transferred is completed, whether the transfer was or not. */
const STATUSES: Readonly<Record<string, string>> = {
  user_hangup: 'completed',
  agent_hangup: 'completed',
  call_transfer: 'completed',
  transfer_bridged: 'completed',
  transfer_cancelled: 'completed',
  call_take_over: 'completed',
  manual_stopped: 'completed',
  inactivity: 'completed',
  max_duration_reached: 'completed',
  ivr_reached: 'completed',
  voicemail_reached: 'voicemail',
  dial_busy: 'busy',
  dial_no_answer: 'no_answer',
  dial_failed: 'failed',
  invalid_destination: 'failed',
  user_declined: 'failed',
  marked_as_spam: 'failed',
  scam_detected: 'failed',
  sip_routing_error: 'failed',
  telephony_provider_permission_denied: 'failed',
  telephony_provider_unavailable: 'failed',
  registered_call_timeout: 'failed',
  concurrency_limit_reached: 'failed',
  no_concurrency_fallback: 'failed',
  no_valid_payment: 'failed',
};

/** Where there is no reason. */
const CALL_STATUSES: Readonly<Record<string, string>> = {
  ended: 'completed',
  error: 'failed',
  not_connected: 'failed',
};

/**
 * Retell. Two of its webhooks tell the end of the same call, in either order: only the second one knows of a voicemail that
 * the analysis finds, and it comes later.
 */
export const retell: Provider = {
  events: ['call_ended', 'call_analyzed'],
  defaultEvents: ['call_ended'],
  takesOneEvent: true,
  secretKept: () => 'encrypted',
  verify,
  read: (request, definition) => [read(request, definition)],
};

/** `v=<epoch ms>,d=<hex>`: HMAC-SHA256 of the body and the time, by the API key. */
function verify(request: HookRequest, secrets: readonly HookSecret[]): SignatureFault | undefined {
  const header = headerOf(request, 'x-retell-signature') ?? '';
  const [, signedAt = '', hex = ''] = /^v=(\d{1,15}),d=([\da-f]+)$/i.exec(header) ?? [];
  const signature = decodeSignature(hex, 'hex', HMAC_BYTES);
  if (signature === undefined) return 'SIGNATURE_MISSING';
  if (!isSignedByOne(secrets, signature, (secret) => hmac('sha256', secret, request.body, signedAt))) {
    return 'SIGNATURE_INVALID';
  }
  return staleness(request, Number(signedAt), TOLERANCE_MS);
}

function read({ body, receivedAtMs }: HookRequest, definition: HookDefinition): Reading {
  const payload = parseJsonBytes(body);
  if (payload === undefined) return notJson();
  const { event, call: told } = fieldsOf(payload);
  if (!(definition.events ?? retell.defaultEvents).some((taken) => taken === event)) {
    return { skipped: `the hook does not take the event ${shown(event)}` };
  }

  const call = fieldsOf(told);
  const id = readId(call.call_id, 'call.call_id', 'it identifies the call');
  if ('rejection' in id) return id;
  const user = readUser(payload, definition);
  if ('rejection' in user) return user;
  const times = readTimes(call);
  if ('rejection' in times) return times;
  const { startedAt, durationMs } = times;
  return {
    event: given({
      call_id: id.id,
      user_id: user.id,
      started_at: startedAt ?? new Date(receivedAtMs).toISOString(),
      duration_seconds: durationMs / 1000,
      agent_id: optionalId(call.agent_id),
      direction: call.call_type === 'web_call' ? 'web' : (textOf(call.direction) ?? definition.direction),
      status: statusOf(call),
    }),
    ...(startedAt === undefined && { startsAtReceipt: true }),
  };
}

interface Times {
  /** Absent where nothing tells it. */
  startedAt?: string;
  durationMs: number;
}

/** A call that was not connected has neither a start nor a duration. */
function readTimes(call: Fields): Times | Rejected {
  const started = readEpoch(call.start_timestamp, 'ms', 'call.start_timestamp');
  if (isRejected(started)) return started;
  const ended = readEpoch(call.end_timestamp, 'ms', 'call.end_timestamp');
  if (isRejected(ended)) return ended;
  const durationMs = call.duration_ms == null ? spanOf(started, ended, call) : numberOf(call.duration_ms);
  if (durationMs === undefined) {
    const fault = `is ${shown(call.duration_ms)}; it must be a number of milliseconds`;
    return rejected('DURATION_INVALID', 'call.duration_ms', fault);
  }
  if (isRejected(durationMs)) return durationMs;
  if (started !== undefined) return { startedAt: started.text, durationMs };
  // A duration beyond all dates is refused as one, later.
  if (ended === undefined || durationMs > ended.ms) return { durationMs };
  return { startedAt: new Date(ended.ms - durationMs).toISOString(), durationMs };
}

/** Milliseconds from start to end; none without a start. */
function spanOf(
  started: EpochTime | undefined,
  ended: EpochTime | undefined,
  { call_status: status }: Fields,
): number | Rejected {
  if (started === undefined || status === 'not_connected') return 0;
  if (ended === undefined) return missing('call.duration_ms', 'it tells how long the call lasted');
  if (ended.ms >= started.ms) return ended.ms - started.ms;
  const fault = `${shown(ended.ms)} is before call.start_timestamp; the later time must be the end`;
  return rejected('ENDED_BEFORE_STARTED', 'call.end_timestamp', fault);
}

function statusOf(call: Fields): string | undefined {
  if (fieldsOf(call.call_analysis).in_voicemail === true) return 'voicemail';
  const reason = textOf(call.disconnection_reason);
  if (reason === undefined) return translated(call.call_status, CALL_STATUSES);
  return reason.startsWith('error_') ? 'failed' : translated(reason, STATUSES);
}
