import { withinLoopTime } from '@calltally/counters';
import { type ApiKeyRow, type ApiKeys, StoreError } from '@calltally/store';
import { LRUCache } from 'lru-cache';

/** What is kept of a valid key, under its hash. */
interface KnownKey {
  userId: string;
  /** Epoch ms; Infinity for a key without an end. */
  expiresAtMs: number;
  /** When Mongo is to be asked again, epoch ms. */
  recheckAtMs: number;
}

/** Room for every dashboard's key of one process: about 60 MB when full. */
const KNOWN_MAX = 200_000;
/** The watcher evicts what is revoked; this finds rows that were changed or deleted by hand. */
const RECHECK_MS = 600_000;
/** Behind the answers, and few, so that keys that came together do not become a crowd ten minutes later. */
const RECHECKS_AT_ONCE_MAX = 2;
const UNKNOWN_MAX = 10_000;
/** A key that is made after it was tried works within this. */
const UNKNOWN_MS = 1_000;
const REVOKED_MAX = 100_000;
/** Look-ups go together, so that these wait for a moment only; there are more of them where Mongo does not answer. */
const LOOK_UPS_AT_ONCE_MAX = 10_000;
/** A request waits for no longer than this; the look-up goes on, and the next request finds its answer. */
const WAIT_MS = 800;

/** How often a request's key was answered from memory, found in Mongo, not valid, or not to be looked up. */
export interface ApiKeyCacheCounts {
  hit: number;
  found: number;
  refused: number;
  unavailable: number;
}

/**
 * Whose key a hash belongs to: from memory where possible, so that a request costs no round trip, and so that known
 * keys stay valid while Mongo is away. Never holds a key, only hashes.
 */
export class ApiKeyCache {
  readonly counts: ApiKeyCacheCounts = { hit: 0, found: 0, refused: 0, unavailable: 0 };
  readonly #keys: Pick<ApiKeys, 'findByHash'>;
  readonly #known = new LRUCache<string, KnownKey>({ max: KNOWN_MAX });
  readonly #unknown = new LRUCache<string, true>({ max: UNKNOWN_MAX, ttl: UNKNOWN_MS });
  /** A revocation is for good. Kept, so that a look-up begun before it cannot bring the key back after it. */
  readonly #revoked = new LRUCache<string, true>({ max: REVOKED_MAX });
  readonly #lookUps = new Map<string, Promise<KnownKey | undefined>>();
  #rechecks = 0;

  constructor(keys: Pick<ApiKeys, 'findByHash'>) {
    this.#keys = keys;
  }

  get size(): number {
    return this.#known.size;
  }

  /** The user of a key that is known and valid at `nowMs`; undefined says nothing about the key. */
  known(hash: string, nowMs: number): string | undefined {
    const key = this.#known.get(hash);
    if (key === undefined || key.expiresAtMs <= nowMs) return undefined;
    if (key.recheckAtMs <= nowMs) this.#recheck(hash, key, nowMs);
    this.counts.hit += 1;
    return key.userId;
  }

  /**
   * The user of a key, asking Mongo where it is not known.
   * @returns undefined for a key that is unknown, revoked or expired
   * @throws StoreError when it is not known and Mongo cannot be asked
   */
  async find(hash: string, nowMs: number): Promise<string | undefined> {
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
      return valid ? key.userId : undefined;
    } catch (thrown) {
      this.counts.unavailable += 1;
      throw thrown;
    }
  }

  /**
   * Whether a key that was valid is so still, for who goes on with it for hours. Counts no hit. A key that had to make
   * room is not thereby ended: it is looked up again, and stands until the answer says otherwise.
   */
  stands(hash: string, nowMs: number): boolean {
    if (this.#revoked.has(hash)) return false;
    const key = this.#known.get(hash);
    if (key === undefined && this.#unknown.has(hash)) return false;
    if (key !== undefined && key.expiresAtMs <= nowMs) return false;
    if (key === undefined || key.recheckAtMs <= nowMs) this.#recheck(hash, key, nowMs);
    return true;
  }

  /** Forgets a key for good. */
  revoke(hash: string): void {
    this.#revoked.set(hash, true);
    this.#known.delete(hash);
  }

  /** One look-up a hash at a time, however many requests wait for it. */
  #lookUp(hash: string, nowMs: number): Promise<KnownKey | undefined> {
    const underWay = this.#lookUps.get(hash);
    if (underWay !== undefined) return underWay;
    if (this.#lookUps.size >= LOOK_UPS_AT_ONCE_MAX) {
      return Promise.reject(new StoreError('STORE_UNAVAILABLE', true, new Error('too many keys to look up')));
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
    if (row === undefined || this.#revoked.has(hash)) {
      this.#known.delete(hash);
      this.#unknown.set(hash, true);
      return undefined;
    }
    const key = {
      userId: row.user_id,
      expiresAtMs: row.expires_at?.getTime() ?? Number.POSITIVE_INFINITY,
      recheckAtMs: nowMs + RECHECK_MS * (1 + Math.random()),
    };
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
