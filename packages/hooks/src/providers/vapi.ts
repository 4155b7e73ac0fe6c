import { shown } from '@calltally/contract';
import { readDirection } from '@calltally/domain';
import type { HookDefinition } from '../definition.ts';
import { readEpoch } from '../epoch.ts';
import {
  fieldsOf,
  given,
  isRejected,
  missing,
  notJson,
  optionalId,
  type Rejected,
  readId,
  readUser,
  textOf,
  translated,
} from '../event-fields.ts';
import { parseJsonBytes } from '../json.ts';
import type { HookRequest, HookSecret, Provider, Reading, SignatureFault } from '../provider.ts';
import { headerOf, isOneOf } from '../signatures.ts';
import { verifyAuth } from '../verify-auth.ts';

const REPORT = 'end-of-call-report';

/** Ended reasons that are no failure. Vapi has more than 600; nearly all others name an error. */
const STATUSES: Readonly<Record<string, string>> = {
  'assistant-ended-call': 'completed',
  'assistant-ended-call-after-message-spoken': 'completed',
  'assistant-ended-call-with-hangup-task': 'completed',
  'assistant-forwarded-call': 'completed',
  'assistant-request-returned-forwarding-phone-number': 'completed',
  'assistant-said-end-call-phrase': 'completed',
  'call.ending.hook-executed-say': 'completed',
  'call.ending.hook-executed-transfer': 'completed',
  'call.in-progress.sip-completed-call': 'completed',
  'call.in-progress.twilio-completed-call': 'completed',
  'call.ringing.hook-executed-say': 'completed',
  'call.ringing.hook-executed-transfer': 'completed',
  'customer-ended-call': 'completed',
  'customer-ended-call-after-warm-transfer-attempt': 'completed',
  'customer-ended-call-before-warm-transfer': 'completed',
  'customer-ended-call-during-transfer': 'completed',
  'exceeded-max-duration': 'completed',
  'silence-timed-out': 'completed',
  'vonage-completed': 'completed',
  'call.forwarding.operator-busy': 'busy',
  'customer-busy': 'busy',
  'call.forwarding.no-answer': 'no_answer',
  'customer-did-not-answer': 'no_answer',
  'call-deleted': 'canceled',
  'call.ringing.sip-inbound-caller-hungup-before-call-connect': 'canceled',
  'manually-canceled': 'canceled',
  'scheduled-call-deleted': 'canceled',
  voicemail: 'voicemail',
  'assistant-join-timed-out': 'failed',
  'assistant-not-found': 'failed',
  'assistant-not-valid': 'failed',
  'assistant-request-returned-invalid-assistant': 'failed',
  'assistant-request-returned-no-assistant': 'failed',
  'customer-did-not-give-microphone-permission': 'failed',
  'phone-call-provider-bypass-enabled-but-no-call-received': 'failed',
  'phone-call-provider-closed-websocket': 'failed',
  'twilio-reported-customer-misdialed': 'failed',
  'vonage-disconnected': 'failed',
  'vonage-rejected': 'failed',
  'worker-shutdown': 'failed',
};
/** `…-error-…`, `vapifault`, `providerfault`, `…-llm-failed`, `…-failed-to-connect-call`, `pipeline-…`. */
const FAILURE = /error|fault|failed|^pipeline-/;

/** Vapi. Of its messages, the report at the end of a call is one; it is sent once. */
export const vapi: Provider = {
  events: [REPORT],
  defaultEvents: [REPORT],
  takesAuth: true,
  secretKept: ({ auth }) => (auth === undefined || auth.scheme === 'secret' ? 'hashed' : 'encrypted'),
  verify: (request, secrets, { auth }) =>
    auth === undefined ? verifySecret(request, secrets) : verifyAuth(request, secrets, auth),
  read: (request, definition) => [read(request, definition)],
};

/** Vapi sends the secret itself. A request that somebody recorded can be repeated, and counts nothing twice. */
function verifySecret(request: HookRequest, secrets: readonly HookSecret[]): SignatureFault | undefined {
  const bearer = /^bearer +(\S+)$/i.exec(headerOf(request, 'authorization') ?? '')?.[1];
  const sent = headerOf(request, 'x-vapi-secret') ?? bearer;
  if (sent === undefined) return 'SIGNATURE_MISSING';
  return isOneOf(secrets, sent) ? undefined : 'SIGNATURE_INVALID';
}

function read({ body, receivedAtMs }: HookRequest, definition: HookDefinition): Reading {
  const payload = parseJsonBytes(body);
  if (payload === undefined) return notJson();
  const message = fieldsOf(fieldsOf(payload).message);
  if (message.type !== REPORT) return { skipped: `the message ${shown(message.type)} is no ${REPORT}` };

  const call = fieldsOf(message.call);
  const id = readId(call.id, 'message.call.id', 'it identifies the call');
  if ('rejection' in id) return id;
  const user = readUser(payload, definition);
  if ('rejection' in user) return user;
  const startedAt = readInstant(message.startedAt ?? call.startedAt, 'message.startedAt');
  if (isRejected(startedAt)) return startedAt;
  const endedAt = readInstant(message.endedAt ?? call.endedAt, 'message.endedAt');
  if (isRejected(endedAt)) return endedAt;
  if (startedAt !== undefined && endedAt === undefined) {
    return missing('message.endedAt', 'the call ended then');
  }
  const createdAt = readInstant(call.createdAt, 'message.call.createdAt');
  if (isRejected(createdAt)) return createdAt;
  // A call without a start was not answered, so the time when it was made counts.
  const madeAt = startedAt ?? createdAt ?? endedAt;
  return {
    event: given({
      call_id: id.id,
      user_id: user.id,
      started_at: madeAt ?? new Date(receivedAtMs).toISOString(),
      ended_at: startedAt === undefined ? undefined : endedAt,
      duration_seconds: startedAt === undefined ? 0 : undefined,
      agent_id: optionalId(call.assistantId),
      direction: readDirection(call.type) ?? definition.direction,
      status: statusOf(textOf(message.endedReason) ?? textOf(call.endedReason)),
    }),
    ...(madeAt === undefined && { startsAtReceipt: true }),
  };
}

/** RFC 3339, or epoch milliseconds. */
function readInstant(value: unknown, field: string): string | Rejected | undefined {
  if (typeof value === 'string' && !/^\d*$/.test(value)) return value;
  const time = readEpoch(value, 'ms', field);
  return time === undefined || 'rejection' in time ? time : time.text;
}

function statusOf(reason: string | undefined): string | undefined {
  const status = translated(reason, STATUSES);
  // An unknown reason is kept as it came, unless it tells an error.
  return status === reason && reason !== undefined && FAILURE.test(reason) ? 'failed' : status;
}
