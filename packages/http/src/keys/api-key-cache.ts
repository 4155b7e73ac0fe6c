import { type ApiKeyRow, type ApiKeys, StoreError } from '@calltally/store';
import { withinLoopTime } from '@calltally/telemetry';
import { LRUCache } from 'lru-cache';
import { isOwned, KnownKey } from './known-key.ts';

/** About 60 MB when full. */
const KNOWN_MAX = 200_000;
/** The watcher evicts revoked keys. Rechecks find rows that were changed or deleted by hand. */
const RECHECK_MS = 600_000;
/** Rechecks delay no answer. Few at once, so that keys cached together are not rechecked in a burst. */
const RECHECKS_AT_ONCE_MAX = 2;
const UNKNOWN_MAX = 10_000;
/** A key that was tried before it was created works within this. */
const UNKNOWN_MS = 1_000;
const REVOKED_MAX = 100_000;
/** Look-ups are batched and short. So many pile up only while Mongo does not answer. */
const LOOK_UPS_AT_ONCE_MAX = 10_000;
/** How long a request waits. The look-up continues, and the next request finds its result. */
const WAIT_MS = 800;

/**
 * Finds an API key by its hash. Known keys cost no round trip, and stay valid while Mongo is away. Holds only
 * hashes, never a key.
 */
export class ApiKeyCache {
  /** Checks that hit the cache, found the key in Mongo, refused it, or got no answer from Mongo. */
  readonly counts = { hit: 0, found: 0, refused: 0, unavailable: 0 };
  readonly #keys: Pick<ApiKeys, 'findByHash'>;
  readonly #known = new LRUCache<string, KnownKey>({ max: KNOWN_MAX });
  readonly #unknown = new LRUCache<string, true>({ max: UNKNOWN_MAX, ttl: UNKNOWN_MS });
  /** Kept, so that a look-up that began before a revocation cannot restore the key. */
  readonly #revoked = new LRUCache<string, true>({ max: REVOKED_MAX });
  readonly #lookUps = new Map<string, Promise<KnownKey | undefined>>();
  #rechecks = 0;

  constructor(keys: Pick<ApiKeys, 'findByHash'>) {
    this.#keys = keys;
  }

  get size(): number {
    return this.#known.size;
  }

  /** A cached key that is valid at `nowMs`; undefined says nothing about the key. */
  known(hash: string, nowMs: number): KnownKey | undefined {
    const key = this.#known.get(hash);
    if (key === undefined || key.expiresAtMs <= nowMs) return undefined;
    if (key.recheckAtMs <= nowMs) this.#recheck(hash, key, nowMs);
    this.counts.hit += 1;
    return key;
  }

  /**
   * Asks Mongo for a key that is not cached.
   * @returns undefined for a key that is unknown, revoked or expired
   * @throws StoreError if it is not cached and Mongo does not answer
   */
  async find(hash: string, nowMs: number): Promise<KnownKey | undefined> {
    const known = this.known(hash, nowMs);
    if (known !== undefined) return known;
    if (this.#revoked.has(hash) || this.#unknown.has(hash) || this.#known.has(hash)) {
      this.counts.refused += 1;
      return undefined;
    }
    try {
      const key = await withinLoopTime(this.#lookUp(hash, nowMs), WAIT_MS, noAnswerYet);
      const valid = key !== undefined && key.expiresAtMs > nowMs;
      this.counts[valid ? 'found' : 'refused'] += 1;
      return valid ? key : undefined;
    } catch (thrown) {
      this.counts.unavailable += 1;
      throw thrown;
    }
  }

  /**
   * Whether a key that was valid still is, for streams, which last for hours. Counts no check. A key that the cache
   * dropped for lack of space is looked up again, and stays valid until Mongo says otherwise.
   */
  stands(earlier: KnownKey, nowMs: number): boolean {
    const { hash } = earlier;
    if (this.#revoked.has(hash)) return false;
    const key = this.#known.get(hash);
    if (key === undefined && this.#unknown.has(hash)) return false;
    if (key !== undefined && (key.expiresAtMs <= nowMs || !key.isSameAs(earlier))) return false;
    if (key === undefined || key.recheckAtMs <= nowMs) this.#recheck(hash, key, nowMs);
    return true;
  }

  /** Forgets a key for good. */
  revoke(hash: string): void {
    this.#revoked.set(hash, true);
    this.#known.delete(hash);
  }

  /** One look-up per hash at a time, shared by all requests that wait for it. */
  #lookUp(hash: string, nowMs: number): Promise<KnownKey | undefined> {
    const underWay = this.#lookUps.get(hash);
    if (underWay !== undefined) return underWay;
    if (this.#lookUps.size >= LOOK_UPS_AT_ONCE_MAX) {
      return Promise.reject(new StoreError('STORE_UNAVAILABLE', true, new Error('too many look-ups')));
    }
    const lookUp = this.#keys
      .findByHash(hash)
      .then((row) => this.#keep(hash, row, nowMs))
      .finally(() => this.#lookUps.delete(hash));
    this.#lookUps.set(hash, lookUp);
    return lookUp;
  }

  #keep(hash: string, row: ApiKeyRow | undefined, nowMs: number): KnownKey | undefined {
    if (row?.revoked_at !== undefined) this.revoke(hash);
    if (row === undefined || !isOwned(row) || this.#revoked.has(hash)) {
      this.#known.delete(hash);
      this.#unknown.set(hash, true);
      return undefined;
    }
    const key = new KnownKey(row, nowMs + RECHECK_MS * (1 + Math.random()), this);
    this.#known.set(hash, key);
    return key;
  }

  #recheck(hash: string, key: KnownKey | undefined, nowMs: number): void {
    if (this.#rechecks >= RECHECKS_AT_ONCE_MAX) return;
    this.#rechecks += 1;
    if (key !== undefined) key.recheckAtMs = nowMs + RECHECK_MS;
    this.#lookUp(hash, nowMs)
      .catch(() => {})
      .finally(() => {
        this.#rechecks -= 1;
      });
  }
}

function noAnswerYet(): StoreError {
  return new StoreError('STORE_TIMEOUT', true, new Error('no answer yet'));
}
