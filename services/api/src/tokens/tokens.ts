import { hash } from 'node:crypto';
import { isId } from '@calltally/domain';
import type { Credential, HttpError } from '@calltally/http';
import { type CryptoKey, calculateJwkThumbprint, type JWTPayload, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { invalidToken, TOKEN_ALGORITHMS, tellTokenError } from './token-errors.ts';
import type { TokenKeys } from './token-keys.ts';

export interface TokenRules {
  issuer: string;
  audience: string;
  /** The claim that names the user. */
  userClaim: string;
}

/** For clocks that differ. */
const TOLERANCE_S = 5;
/** About 50 MB when full. */
const KNOWN_MAX = 100_000;

/** A verified token. It may read its user's figures. */
class KnownToken implements Credential {
  readonly scope = 'read';

  /** @param key thumbprint of the key that signed it */
  constructor(
    readonly userId: string,
    readonly expiresAtMs: number,
    readonly key: string,
    readonly keys: Pick<TokenKeys, 'has'>,
  ) {}

  stands(nowMs: number): boolean {
    return nowMs < this.expiresAtMs && this.keys.has(this.key);
  }

  refusal(): HttpError {
    return invalidToken('has expired, or its key is no longer valid');
  }
}

/**
 * Verifies tokens of an identity provider (JSON Web Tokens), each once: what was verified stays so until the token
 * expires or the provider removes its key. Holds only hashes, never a token.
 */
export class Tokens {
  /** Checks that hit the cache, verified the token, refused it, or could not check it. */
  readonly counts = { hit: 0, verified: 0, refused: 0, unavailable: 0 };
  readonly #keys: Pick<TokenKeys, 'find' | 'has'>;
  readonly #rules: TokenRules;
  readonly #known = new LRUCache<string, KnownToken>({ max: KNOWN_MAX });

  constructor(keys: Pick<TokenKeys, 'find' | 'has'>, rules: TokenRules) {
    this.#keys = keys;
    this.#rules = rules;
  }

  get size(): number {
    return this.#known.size;
  }

  /** A verified token that is still valid; undefined says nothing about the token. */
  known(tokenHash: string, nowMs: number): Credential | undefined {
    const token = this.#known.get(tokenHash);
    if (token === undefined || !token.stands(nowMs)) return undefined;
    this.counts.hit += 1;
    return token;
  }

  /** @throws HttpError INVALID_TOKEN; UNAVAILABLE if it cannot be checked now; INTERNAL_ERROR */
  async verify(text: string, tokenHash: string, nowMs: number): Promise<Credential> {
    try {
      const token = await this.#verified(text, nowMs);
      this.#known.set(tokenHash, token);
      this.counts.verified += 1;
      return token;
    } catch (thrown) {
      this.#known.delete(tokenHash);
      const error = tellTokenError(thrown);
      this.counts[error.status === 401 ? 'refused' : 'unavailable'] += 1;
      throw error;
    }
  }

  async #verified(text: string, nowMs: number): Promise<KnownToken> {
    const { issuer, audience, userClaim } = this.#rules;
    const { payload, key } = await jwtVerify(text, this.#keys.find, {
      algorithms: TOKEN_ALGORITHMS,
      issuer,
      audience,
      requiredClaims: ['exp'],
      clockTolerance: TOLERANCE_S,
      currentDate: new Date(nowMs),
    });
    const userId = userOf(payload, userClaim);
    // Required above. Nor is the key anything else than `find` gives.
    const expiresAtMs = (payload.exp! + TOLERANCE_S) * 1_000;
    return new KnownToken(userId, expiresAtMs, await calculateJwkThumbprint(key as CryptoKey), this.#keys);
  }
}

export function hashToken(token: string): string {
  return hash('sha256', token);
}

function userOf(payload: JWTPayload, claim: string): string {
  const user = payload[claim];
  if (isId(user)) return user;
  throw invalidToken(`names no user in its claim ${JSON.stringify(claim)}`);
}
