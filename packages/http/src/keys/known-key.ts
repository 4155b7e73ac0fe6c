import type { ApiKeyRow, ApiKeyScope } from '@calltally/store';
import type { Credential } from '../credential.ts';
import { commonError, type HttpError } from '../http-error.ts';

/** Who knows whether a key is still valid. */
interface Keeper {
  stands(key: KnownKey, nowMs: number): boolean;
}

/** A valid API key. */
export class KnownKey implements Credential {
  readonly hash: string;
  readonly userId: string | undefined;
  readonly scope: ApiKeyScope;
  /** Epoch ms; Infinity for a key that does not expire. */
  readonly expiresAtMs: number;
  /** When to ask Mongo again, epoch ms. */
  recheckAtMs: number;
  readonly #keeper: Keeper;

  /** @param row whose owner is known (`isOwned`) */
  constructor(row: ApiKeyRow, recheckAtMs: number, keeper: Keeper) {
    this.hash = row.hash;
    this.userId = row.user_id;
    this.scope = row.scope ?? 'read';
    this.expiresAtMs = row.expires_at?.getTime() ?? Number.POSITIVE_INFINITY;
    this.recheckAtMs = recheckAtMs;
    this.#keeper = keeper;
  }

  /** Whether a key is what this one is, whenever it was read. */
  isSameAs({ hash, userId, scope }: KnownKey): boolean {
    return hash === this.hash && userId === this.userId && scope === this.scope;
  }

  stands(nowMs: number): boolean {
    return this.#keeper.stands(this, nowMs);
  }

  refusal(): HttpError {
    return commonError('INVALID_API_KEY');
  }
}

/** Whether a row says whose key it is: either one user's or a platform's. No key may be taken for another's. */
export function isOwned({ user_id, platform }: ApiKeyRow): boolean {
  return platform === true ? user_id === undefined : platform === undefined && isUser(user_id);
}

/** Erasing a user leaves their keys with an empty one. */
function isUser(userId: unknown): boolean {
  return typeof userId === 'string' && userId !== '';
}
