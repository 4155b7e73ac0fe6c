import { type Fields, fieldsOf } from './event-fields.ts';
import { parseJsonBytes } from './json.ts';
import type { HookSecret, SignatureFault } from './provider.ts';
import { decodeSignature, hmac, isSignedByOne } from './signatures.ts';

const FORM = /^([\w-]+)\.([\w-]+)\.([\w-]*)$/;
const SIGNATURE_BYTES = 32;

/**
 * The claims of a JSON Web Token that one of the secrets signed by HS256. A token that names another algorithm is refused
 * before its signature is looked at. The claims are not checked.
 */
export function readToken(
  token: string,
  secrets: readonly HookSecret[],
): { claims: Fields } | { fault: SignatureFault } {
  const [, head, body, tail] = FORM.exec(token) ?? [];
  if (head === undefined || body === undefined || tail === undefined) return { fault: 'SIGNATURE_MISSING' };
  const { alg, crit } = fieldsOf(parseJsonBytes(Buffer.from(head, 'base64url')));
  const signature = decodeSignature(tail, 'base64url', SIGNATURE_BYTES);
  // `crit` names extensions that whoever does not know them must refuse (RFC 7515, 4.1.11).
  if (alg !== 'HS256' || crit !== undefined || signature === undefined) return { fault: 'SIGNATURE_INVALID' };
  const signed = `${head}.${body}`;
  if (!isSignedByOne(secrets, signature, (secret) => hmac('sha256', secret, signed))) {
    return { fault: 'SIGNATURE_INVALID' };
  }
  return { claims: fieldsOf(parseJsonBytes(Buffer.from(body, 'base64url'))) };
}
