import { commonError, type HttpError } from '@calltally/http';
import { errors } from 'jose';
import { ApiError } from '../api-error.ts';
import { KeysAwayError } from './token-keys.ts';

/** Only signatures by a private key: whoever can check a token must not be able to make one. */
export const TOKEN_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

export function invalidToken(what: string): ApiError {
  return new ApiError('INVALID_TOKEN', { message: `The token ${what}. Get a new one.` });
}

/** What a client is told of an error of verification. No message repeats anything of the token. */
export function tellTokenError(thrown: unknown): HttpError {
  if (thrown instanceof ApiError) return thrown;
  // Neither the token's fault nor a reason to let it in.
  const isOfIssuer = [KeysAwayError, errors.JWKSInvalid, errors.JWKInvalid].some(
    (one) => thrown instanceof one,
  );
  if (isOfIssuer) return commonError('UNAVAILABLE', { cause: thrown });
  if (thrown instanceof errors.JOSEError) return invalidToken(faultOf(thrown));
  return commonError('INTERNAL_ERROR', { cause: thrown });
}

const FAULTS: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: 'has expired',
  ERR_JOSE_ALG_NOT_ALLOWED: `has an algorithm that is none of ${TOKEN_ALGORITHMS.join(', ')}`,
  ERR_JWKS_NO_MATCHING_KEY: 'is signed with a key that its issuer does not publish',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'does not say which of the keys of its issuer signed it (kid)',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'has a signature that does not fit',
};

const CLAIM_FAULTS: Readonly<Record<string, string>> = {
  iss: 'is not of the issuer that is accepted here (iss)',
  aud: 'is meant for somebody else (aud)',
  exp: 'does not say when it expires (exp)',
  nbf: 'is not valid yet (nbf)',
};

function faultOf(error: errors.JOSEError): string {
  const claim = error instanceof errors.JWTClaimValidationFailed ? CLAIM_FAULTS[error.claim] : undefined;
  return claim ?? FAULTS[error.code] ?? 'is malformed';
}
