import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { HookRequest, HookSecret, SignatureFault } from './provider.ts';

/**
 * The value of a header that must come once.
 * @param name in lower case
 * @returns undefined if the header is missing, empty or repeated
 */
export function headerOf({ headers }: HookRequest, name: string): string | undefined {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * Decodes a signature strictly, so that each has one spelling (hex may be in either case).
 * @param length of a signature, in bytes
 * @returns undefined if it is not one
 */
export function decodeSignature(
  text: string,
  encoding: 'hex' | 'base64' | 'base64url',
  length: number,
): Buffer | undefined {
  const bytes = Buffer.from(text, encoding);
  const again = bytes.toString(encoding);
  return bytes.length === length && again === (encoding === 'hex' ? text.toLowerCase() : text)
    ? bytes
    : undefined;
}

export function sha256(...parts: (string | Buffer)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** @param key bytes, or a text in UTF-8 */
export function hmac(
  algorithm: 'sha1' | 'sha256',
  key: string | Buffer,
  ...parts: (string | Buffer)[]
): Buffer {
  const keyed = createHmac(algorithm, key);
  for (const part of parts) keyed.update(part);
  return keyed.digest();
}

/** Whether two byte sequences are equal, in a time that tells only their lengths. */
export function sameBytes(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Whether one of the secrets makes this signature. Hashed secrets make none, nor does an empty one, which anybody knows. */
export function isSignedByOne(
  secrets: readonly HookSecret[],
  signature: Buffer,
  signatureBy: (secret: string) => Buffer,
): boolean {
  return secrets.some(
    (secret) =>
      secret.kind === 'text' && secret.text !== '' && sameBytes(signatureBy(secret.text), signature),
  );
}

/** Whether a secret that the platform sent is one of the hook's. Hashes are compared, so no length shows. */
export function isOneOf(secrets: readonly HookSecret[], sent: string): boolean {
  const digest = sha256(sent);
  return secrets.some((secret) =>
    sameBytes(secret.kind === 'hash' ? Buffer.from(secret.sha256, 'hex') : sha256(secret.text), digest),
  );
}

/**
 * Whether a webhook was signed too far from now, in the past or in the future. Check the signature before: only then the time
 * is the platform's.
 *
 * @param signedAtMs epoch ms
 */
export function staleness(
  { receivedAtMs }: HookRequest,
  signedAtMs: number,
  toleranceMs: number,
): SignatureFault | undefined {
  return Math.abs(receivedAtMs - signedAtMs) <= toleranceMs ? undefined : 'SIGNATURE_STALE';
}
