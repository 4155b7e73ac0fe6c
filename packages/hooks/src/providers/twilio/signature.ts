import type { HookRequest, HookSecret, SignatureFault } from '../../provider.ts';
import { decodeSignature, headerOf, hmac, isSignedByOne, sameBytes, sha256 } from '../../signatures.ts';
import { addressesOf, formOf, isJson, queryOf } from './request.ts';

/** Absent where the account's auth token signs; present where a key of its own for webhooks does, with its algorithm. */
const SETTINGS_HEADER = 'x-twilio-webhooks-signature-settings';
const ALGORITHM = /(?:^|,)\s*algorithm\s*=\s*([^,]*?)\s*(?:,|$)/;
const ALGORITHMS = {
  HMAC_SHA1: { hash: 'sha1', bytes: 20 },
  HMAC_SHA256: { hash: 'sha256', bytes: 32 },
} as const;

/** Some ten times what a callback has. Anybody can send a form, and it is taken apart before it is known whose it is. */
const FORM_MAX_BYTES = 64 * 1024;

/**
 * Checks `X-Twilio-Signature`: an HMAC of the address, followed by the parameters of a form. JSON is covered by its SHA-256,
 * which is in the address. There is no time in it, so a replay cannot be told from a retry.
 */
export function verifySignature(
  request: HookRequest,
  secrets: readonly HookSecret[],
): SignatureFault | undefined {
  const algorithm = algorithmOf(request);
  if (algorithm === undefined) return 'SIGNATURE_INVALID';
  const sent = headerOf(request, 'x-twilio-signature');
  const signature = sent === undefined ? undefined : decodeSignature(sent, 'base64', algorithm.bytes);
  if (signature === undefined) return 'SIGNATURE_MISSING';

  const signed = signedTextOf(request);
  if (signed === undefined) return 'SIGNATURE_INVALID';
  const isGenuine = addressesOf(request.url).some((address) =>
    isSignedByOne(secrets, signature, (secret) => hmac(algorithm.hash, secret, address, signed)),
  );
  return isGenuine ? undefined : 'SIGNATURE_INVALID';
}

/** @returns undefined if it is none that we know */
function algorithmOf(request: HookRequest) {
  if (request.headers[SETTINGS_HEADER] === undefined) return ALGORITHMS.HMAC_SHA1;
  const name = ALGORITHM.exec(headerOf(request, SETTINGS_HEADER) ?? '')?.[1] ?? '';
  return Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name as keyof typeof ALGORITHMS] : undefined;
}

/**
 * What is signed after the address.
 * @returns undefined if the signature does not cover the body
 */
function signedTextOf(request: HookRequest): string | undefined {
  const bodyHash = queryOf(request).get('bodySHA256');
  if (bodyHash !== null) {
    const hash = decodeSignature(bodyHash, 'hex', 32);
    return hash !== undefined && sameBytes(hash, sha256(request.body)) ? '' : undefined;
  }
  if (isJson(request) || request.body.length > FORM_MAX_BYTES) return undefined;
  return formText(formOf(request));
}

/** Names and values, sorted by both, without anything between them. Of equal parameters one is signed. */
function formText(form: URLSearchParams): string {
  const valuesByName = new Map<string, Set<string>>();
  for (const [name, value] of form) {
    const values = valuesByName.get(name);
    if (values === undefined) valuesByName.set(name, new Set([value]));
    else values.add(value);
  }
  const names = [...valuesByName.keys()].sort();
  return names
    .map((name) =>
      [...valuesByName.get(name)!]
        .sort()
        .map((value) => name + value)
        .join(''),
    )
    .join('');
}
