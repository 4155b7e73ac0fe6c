import { createPublicKey, type KeyObject, verify as verifyBytes } from 'node:crypto';
import { shown } from '@calltally/contract';
import type { HookDefinition } from '../definition.ts';
import { fieldsOf, given, missing, notJson, readId, readUser, textOf, translated } from '../event-fields.ts';
import { parseJsonBytes } from '../json.ts';
import type { HookRequest, HookSecret, Provider, Reading, SignatureFault } from '../provider.ts';
import { decodeSignature, headerOf, staleness } from '../signatures.ts';

const TOLERANCE_MS = 5 * 60_000;
const SIGNATURE_BYTES = 64;
const PUBLIC_KEY_BYTES = 32;

const DIRECTIONS = { incoming: 'inbound', outgoing: 'outbound' };

/** Another cause stays as it came: `unspecified` says neither that the call was answered nor that it failed. */
const STATUSES = {
  normal_clearing: 'completed',
  time_limit: 'completed',
  user_busy: 'busy',
  no_answer: 'no_answer',
  timeout: 'no_answer',
  originator_cancel: 'canceled',
  call_rejected: 'failed',
  not_found: 'failed',
};

/**
 * Telnyx Voice API. Each leg of a call hangs up once and has an id of its own, so legs are counted. An assistant's
 * `call.conversation.ended` is no call of its own: its leg hangs up, too.
 */
export const telnyx: Provider = {
  wants200: true,
  events: ['call.hangup'],
  defaultEvents: ['call.hangup'],
  secretKept: () => 'public',
  verify,
  read: (request, definition) => [read(request, definition)],
};

/** Ed25519 of the time, `|` and the body. */
function verify(request: HookRequest, secrets: readonly HookSecret[]): SignatureFault | undefined {
  const signedAt = headerOf(request, 'telnyx-timestamp') ?? '';
  const sent = headerOf(request, 'telnyx-signature-ed25519');
  const signature = sent === undefined ? undefined : decodeSignature(sent, 'base64', SIGNATURE_BYTES);
  if (signature === undefined || !/^\d{1,12}$/.test(signedAt)) return 'SIGNATURE_MISSING';

  const signed = Buffer.concat([Buffer.from(`${signedAt}|`), request.body]);
  const isGenuine = secrets.some((secret) => {
    const key = secret.kind === 'text' ? publicKeyOf(secret.text) : undefined;
    return key !== undefined && verifyBytes(null, signed, key, signature);
  });
  return isGenuine ? staleness(request, Number(signedAt) * 1000, TOLERANCE_MS) : 'SIGNATURE_INVALID';
}

/**
 * @param text 32 bytes in base64, as Telnyx' portal shows the key, or PEM
 * @returns undefined if it is no Ed25519 key
 */
function publicKeyOf(text: string): KeyObject | undefined {
  const raw = decodeSignature(text.trim(), 'base64', PUBLIC_KEY_BYTES);
  try {
    const key =
      raw === undefined
        ? createPublicKey(text)
        : createPublicKey({
            key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') },
            format: 'jwk',
          });
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}

function read({ body }: HookRequest, definition: HookDefinition): Reading {
  const payload = parseJsonBytes(body);
  if (payload === undefined) return notJson();
  const data = fieldsOf(fieldsOf(payload).data);
  if (data.event_type !== 'call.hangup') {
    return { skipped: `the event ${shown(data.event_type)} is no end of a call` };
  }

  const { call_leg_id: legId, direction, hangup_cause: cause, ...leg } = fieldsOf(data.payload);
  const call = readId(legId, 'data.payload.call_leg_id', 'it identifies the call');
  if ('rejection' in call) return call;
  const user = readUser(payload, definition);
  if ('rejection' in user) return user;
  const startedAt = textOf(leg.start_time);
  if (startedAt === undefined) return missing('data.payload.start_time', 'the call started then');
  const endedAt = textOf(data.occurred_at);
  if (endedAt === undefined) return missing('data.occurred_at', 'the call ended then');

  return {
    event: given({
      call_id: call.id,
      user_id: user.id,
      started_at: startedAt,
      ended_at: endedAt,
      direction: translated(direction, DIRECTIONS) ?? definition.direction,
      status: translated(cause, STATUSES),
    }),
  };
}
