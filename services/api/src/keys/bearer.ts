import { ApiError } from '../api-error.ts';

const CREDENTIALS = /^bearer(?: +(.*))?$/i;

/** The token of an `Authorization` header; undefined without a header, with another scheme, with nothing behind it. */
export function bearerToken(header: string | undefined): string | undefined {
  // As nearly every client writes it.
  if (header?.startsWith('Bearer ct_')) return header.slice(7);
  return CREDENTIALS.exec(header ?? '')?.[1] || undefined;
}

/** Says how to authenticate; without an error, since nothing was presented (RFC 6750, section 3.1). */
export function missingApiKey(): ApiError {
  return new ApiError('MISSING_API_KEY', 'Send an API key: "Authorization: Bearer <key>".', {
    headers: { 'www-authenticate': 'Bearer' },
  });
}

/** One answer for a key that is malformed, unknown, revoked or expired: which one is nobody's business. */
export function invalidApiKey(): ApiError {
  return new ApiError('INVALID_API_KEY', 'The API key is not valid: unknown, revoked or expired.', {
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  });
}

/** A key opens the numbers of its own user and nobody else's. */
export function otherUser(): ApiError {
  return new ApiError('OTHER_USER', 'The API key belongs to another user than user_id names.', {
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  });
}
