import type { HmacAuth, HookAuth } from './auth.ts';
import type { HookRequest, HookSecret, SignatureFault } from './provider.ts';
import { decodeSignature, headerOf, hmac, isOneOf, isSignedByOne, staleness } from './signatures.ts';
import { standardKey } from './standard-key.ts';

/** As Stripe and Standard Webhooks have it. */
const TOLERANCE_MS = 5 * 60_000;
/** While a secret is rotated, platforms sign with two. More is work for nobody. */
const SIGNATURES_MAX = 8;
const NO_SIGNATURE = Buffer.alloc(0);
const BYTES = { sha1: 20, sha256: 32 } as const;

/** Whether a request fits one of the secrets, as `auth` says; undefined if it does. */
export function verifyAuth(
  request: HookRequest,
  secrets: readonly HookSecret[],
  auth: HookAuth,
): SignatureFault | undefined {
  switch (auth.scheme) {
    case 'secret':
      return verifySecret(request, secrets, auth.header);
    case 'timestamped':
      return verifyTimestamped(request, secrets, auth.header);
    case 'standard-webhooks':
      return verifyStandard(request, secrets);
    default:
      return verifyHmac(request, secrets, auth);
  }
}

function verifySecret(request: HookRequest, secrets: readonly HookSecret[], header: string | undefined) {
  const sent = header === undefined ? bearerOrPassword(request) : sentIn(request, header);
  if (sent === undefined) return 'SIGNATURE_MISSING';
  return isOneOf(secrets, sent) ? undefined : 'SIGNATURE_INVALID';
}

/** Many phone systems can only be given an address with a user and a password. */
function bearerOrPassword(request: HookRequest): string | undefined {
  const [, scheme = '', credentials = ''] =
    /^(bearer|basic) +(\S+)$/i.exec(headerOf(request, 'authorization') ?? '') ?? [];
  if (scheme.toLowerCase() !== 'basic') return credentials === '' ? undefined : credentials;
  const [, password] = /^[^:]*:(.+)$/s.exec(Buffer.from(credentials, 'base64').toString()) ?? [];
  return password;
}

function verifyHmac(request: HookRequest, secrets: readonly HookSecret[], auth: HmacAuth) {
  const { header, encoding = 'hex', prefix = '', timestampHeader } = auth;
  const sent = sentIn(request, header);
  if (sent === undefined || !sent.startsWith(prefix)) return 'SIGNATURE_MISSING';
  const algorithm = auth.scheme === 'hmac-sha1' ? 'sha1' : 'sha256';
  const signature = decodeSignature(sent.slice(prefix.length), encoding, BYTES[algorithm]);
  if (signature === undefined) return 'SIGNATURE_MISSING';

  const timestamp = timestampHeader === undefined ? '' : sentIn(request, timestampHeader);
  if (timestamp === undefined) return 'SIGNATURE_MISSING';
  const signed = auth.signed ?? (timestampHeader === undefined ? '{body}' : '{timestamp}.{body}');
  const before = signed.slice(0, -'{body}'.length).replaceAll('{timestamp}', () => timestamp);
  return verifySigned(request, secrets, [signature], timestampHeader && timestamp, (secret) =>
    hmac(algorithm, secret, before, request.body),
  );
}

function verifyTimestamped(request: HookRequest, secrets: readonly HookSecret[], header: string) {
  const parts = (sentIn(request, header) ?? '').split(',').map((part) => part.split('=', 2));
  const times = parts.filter(([name]) => name === 't');
  const signatures = parts
    .filter(([name]) => name === 'v1')
    .slice(0, SIGNATURES_MAX)
    .map(([, hex = '']) => decodeSignature(hex, 'hex', BYTES.sha256));
  const timestamp = times[0]?.[1];
  if (times.length !== 1 || timestamp === undefined) return 'SIGNATURE_MISSING';
  return verifySigned(request, secrets, signatures, timestamp, (secret) =>
    hmac('sha256', secret, `${timestamp}.`, request.body),
  );
}

function verifyStandard(request: HookRequest, secrets: readonly HookSecret[]) {
  const id = headerOf(request, 'webhook-id');
  const timestamp = headerOf(request, 'webhook-timestamp');
  if (id === undefined || timestamp === undefined) return 'SIGNATURE_MISSING';
  const signatures = (headerOf(request, 'webhook-signature') ?? '')
    .split(' ')
    .filter((one) => one.startsWith('v1,'))
    .slice(0, SIGNATURES_MAX)
    .map((one) => decodeSignature(one.slice('v1,'.length), 'base64', BYTES.sha256));
  return verifySigned(request, secrets, signatures, timestamp, (secret) => {
    const key = standardKey(secret);
    return key === undefined ? NO_SIGNATURE : hmac('sha256', key, `${id}.${timestamp}.`, request.body);
  });
}

/** Checks the signature before the time: only then the time is the platform's. */
function verifySigned(
  request: HookRequest,
  secrets: readonly HookSecret[],
  signatures: readonly (Buffer | undefined)[],
  timestamp: string | undefined,
  signatureBy: (secret: string) => Buffer,
): SignatureFault | undefined {
  const wellFormed = signatures.filter((signature) => signature !== undefined);
  if (wellFormed.length === 0) return 'SIGNATURE_MISSING';
  if (timestamp !== undefined && !/^\d{10,13}$/.test(timestamp)) return 'SIGNATURE_MISSING';
  if (!wellFormed.some((signature) => isSignedByOne(secrets, signature, signatureBy)))
    return 'SIGNATURE_INVALID';
  if (timestamp === undefined) return undefined;
  const signedAtMs = Number(timestamp) * (timestamp.length > 10 ? 1 : 1_000);
  return staleness(request, signedAtMs, TOLERANCE_MS);
}

function sentIn(request: HookRequest, name: string): string | undefined {
  return headerOf(request, name.toLowerCase());
}
