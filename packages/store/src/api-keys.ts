import { hash, randomBytes } from 'node:crypto';
import type { Collection } from 'mongodb';
import { QueryBatcher } from './query-batcher.ts';
import type { WithTimeout } from './with-timeout.ts';

/** An API key at rest. The key itself is shown once, when it is made, and is nowhere kept. */
export interface ApiKeyRow {
  /** The public id, for lists and revocation. */
  _id: string;
  /** SHA-256 of the key, hex. A key is 256 random bits, so a plain hash cannot be searched. */
  hash: string;
  user_id: string;
  name?: string;
  created_at: Date;
  expires_at?: Date;
  revoked_at?: Date;
}

/** Look-ups of one query, and queries at once: what strangers' keys can ask of Mongo, however many there are. */
const LOOK_UPS_MAX = 1_000;
const QUERIES_AT_ONCE_MAX = 2;

const PREFIX = 'ct_';
const KEY_PATTERN = /^ct_[A-Za-z0-9_-]{43}$/;

/** Whether a text has the shape of an API key at all; what has not needs no look-up. */
export function looksLikeApiKey(text: string): boolean {
  return KEY_PATTERN.test(text);
}

export function hashApiKey(key: string): string {
  return hash('sha256', key);
}

export class ApiKeys {
  readonly #rows: Collection<ApiKeyRow>;
  readonly #withTimeout: WithTimeout;
  readonly #lookUps = new QueryBatcher((hashes: string[]) => this.#findByHashes(hashes), {
    sizeMax: LOOK_UPS_MAX,
    atOnceMax: QUERIES_AT_ONCE_MAX,
  });

  constructor(rows: Collection<ApiKeyRow>, withTimeout: WithTimeout) {
    this.#rows = rows;
    this.#withTimeout = withTimeout;
  }

  /** Makes a key for a user. `apiKey` is the only copy there will ever be. @throws StoreError */
  async create(key: {
    userId: string;
    name?: string;
    expiresAt?: Date;
  }): Promise<{ apiKey: string; row: ApiKeyRow }> {
    const apiKey = PREFIX + randomBytes(32).toString('base64url');
    const row: ApiKeyRow = {
      _id: `key_${randomBytes(9).toString('hex')}`,
      hash: hashApiKey(apiKey),
      user_id: key.userId,
      created_at: new Date(),
    };
    if (key.name !== undefined) row.name = key.name;
    if (key.expiresAt !== undefined) row.expires_at = key.expiresAt;
    await this.#withTimeout(() => this.#rows.insertOne(row));
    return { apiKey, row };
  }

  /** Look-ups that come while others are under way go together. @throws StoreError */
  findByHash(hash: string): Promise<ApiKeyRow | undefined> {
    return this.#lookUps.ask(hash);
  }

  async #findByHashes(hashes: string[]): Promise<(ApiKeyRow | undefined)[]> {
    const rows = await this.#withTimeout(() => this.#rows.find({ hash: { $in: hashes } }).toArray());
    const found = new Map(rows.map((row) => [row.hash, row]));
    return hashes.map((hash) => found.get(hash));
  }

  /** Newest first; of one user or of all. @throws StoreError */
  async list(userId?: string): Promise<ApiKeyRow[]> {
    const filter = userId === undefined ? {} : { user_id: userId };
    return this.#withTimeout(() => this.#rows.find(filter).sort({ created_at: -1, _id: 1 }).toArray());
  }

  /**
   * Revokes for good; the time is the server's, since those who watch for it compare with other such times only.
   * @returns the key as it stands now, or undefined when there is none of this id
   * @throws StoreError
   */
  async revoke(keyId: string): Promise<ApiKeyRow | undefined> {
    await this.#withTimeout(() =>
      this.#rows.updateOne(
        { _id: keyId, revoked_at: { $exists: false } },
        { $currentDate: { revoked_at: true } },
      ),
    );
    return (await this.#withTimeout(() => this.#rows.findOne({ _id: keyId }))) ?? undefined;
  }

  /** Keys revoked at or after a time of the server's, oldest first. @throws StoreError */
  async revokedSince(time: Date): Promise<ApiKeyRow[]> {
    return this.#withTimeout(() =>
      this.#rows
        .find({ revoked_at: { $gte: time } })
        .sort({ revoked_at: 1 })
        .toArray(),
    );
  }

  /** The latest revocation there is: where a watcher begins. @throws StoreError */
  async lastRevocation(): Promise<Date | undefined> {
    const [row] = await this.#withTimeout(() =>
      this.#rows
        .find({ revoked_at: { $exists: true } })
        .sort({ revoked_at: -1 })
        .limit(1)
        .toArray(),
    );
    return row?.revoked_at;
  }
}
