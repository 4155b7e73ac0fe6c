import { hash, randomBytes } from 'node:crypto';
import type { Collection } from 'mongodb';
import { Batcher } from './batcher.ts';
import type { MongoCall } from './mongo-call.ts';

/** What a key may do: read figures, or send calls. */
export type ApiKeyScope = 'read' | 'write';

/** An API key as Mongo keeps it. The key itself is shown once, when it is created, and kept nowhere. */
export interface ApiKeyRow {
  /** The public id, for lists and revocation. */
  _id: string;
  /** SHA-256 of the key, hex. Needs no salt: nobody can search 256 random bits. */
  hash: string;
  /** Empty if the user was erased; then the key is revoked. Absent of a platform key. */
  user_id?: string;
  /** Absent means `read`: keys of earlier versions have none. */
  scope?: ApiKeyScope;
  /** Whether the key names any user, for the backend of a platform. Without `user_id` earlier versions refuse it. */
  platform?: true;
  name?: string;
  created_at: Date;
  expires_at?: Date;
  revoked_at?: Date;
}

/** Whose key is created: one user's, or a platform's, which names any user. */
export type ApiKeyOwner = { userId: string } | { platform: true };

/** Limits what unknown keys can ask of Mongo, however many there are. */
const QUERY_LOOK_UPS_MAX = 1_000;
const QUERIES_AT_ONCE_MAX = 2;

const PREFIX = 'ct_';
const KEY_PATTERN = /^ct_[A-Za-z0-9_-]{43}$/;

/** Whether a text has the shape of an API key; others need no look-up. */
export function looksLikeApiKey(text: string): boolean {
  return KEY_PATTERN.test(text);
}

export function hashApiKey(key: string): string {
  return hash('sha256', key);
}

export class ApiKeys {
  readonly #rows: Collection<ApiKeyRow>;
  readonly #mongo: MongoCall;
  readonly #lookUps = new Batcher((hashes: string[]) => this.#findByHashes(hashes), {
    requestsMax: QUERY_LOOK_UPS_MAX,
    atOnceMax: QUERIES_AT_ONCE_MAX,
  });

  constructor(rows: Collection<ApiKeyRow>, mongo: MongoCall) {
    this.#rows = rows;
    this.#mongo = mongo;
  }

  /** Creates a key. `apiKey` is its only copy. @throws StoreError */
  async create(
    key: ApiKeyOwner & { scope?: ApiKeyScope; name?: string; expiresAt?: Date },
  ): Promise<{ apiKey: string; row: ApiKeyRow }> {
    const apiKey = PREFIX + randomBytes(32).toString('base64url');
    const row: ApiKeyRow = {
      _id: `key_${randomBytes(9).toString('hex')}`,
      hash: hashApiKey(apiKey),
      ...('userId' in key ? { user_id: key.userId } : { platform: true }),
      created_at: new Date(),
    };
    if (key.scope !== undefined) row.scope = key.scope;
    if (key.name !== undefined) row.name = key.name;
    if (key.expiresAt !== undefined) row.expires_at = key.expiresAt;
    // Not idempotent: a repetition would find its own row in the way.
    await this.#mongo(() => this.#rows.insertOne(row), { retries: 0 });
    return { apiKey, row };
  }

  /** Look-ups that come while two queries are under way go together. @throws StoreError */
  async findByHash(hash: string): Promise<ApiKeyRow | undefined> {
    const [row] = await this.#lookUps.ask([hash]);
    return row;
  }

  async #findByHashes(hashes: string[]): Promise<(ApiKeyRow | undefined)[]> {
    const rows = await this.#mongo(() => this.#rows.find({ hash: { $in: hashes } }).toArray());
    const found = new Map(rows.map((row) => [row.hash, row]));
    return hashes.map((hash) => found.get(hash));
  }

  /** The keys of one user or of all, newest first. @throws StoreError */
  async list(userId?: string): Promise<ApiKeyRow[]> {
    const filter = userId === undefined ? {} : { user_id: userId };
    return this.#mongo(() => this.#rows.find(filter).sort({ created_at: -1, _id: 1 }).toArray());
  }

  /**
   * Revokes a key for good. The time is the server's: `revokedSince` compares with nothing else.
   * @returns the key as it is now, or undefined if there is none of this id
   * @throws StoreError
   */
  async revoke(keyId: string): Promise<ApiKeyRow | undefined> {
    await this.#mongo(() =>
      this.#rows.updateOne(
        { _id: keyId, revoked_at: { $exists: false } },
        { $currentDate: { revoked_at: true } },
      ),
    );
    return (await this.#mongo(() => this.#rows.findOne({ _id: keyId }))) ?? undefined;
  }

  /**
   * Removes from revoked keys whose they were. Their documents stay: whoever asks for revocations must find them.
   * @throws StoreError
   */
  async blank(keyIds: readonly string[]): Promise<void> {
    if (keyIds.length === 0) return;
    const revoked = { _id: { $in: [...keyIds] }, revoked_at: { $exists: true } };
    await this.#mongo(() =>
      this.#rows.updateMany(revoked, { $set: { user_id: '' }, $unset: { name: true } }),
    );
  }

  /** Keys revoked at or after a time by the server's clock, oldest first. @throws StoreError */
  async revokedSince(time: Date): Promise<ApiKeyRow[]> {
    return this.#mongo(() =>
      this.#rows
        .find({ revoked_at: { $gte: time } })
        .sort({ revoked_at: 1 })
        .toArray(),
    );
  }

  /** The time of the latest revocation. @throws StoreError */
  async lastRevocation(): Promise<Date | undefined> {
    const [row] = await this.#mongo(() =>
      this.#rows
        .find({ revoked_at: { $exists: true } })
        .sort({ revoked_at: -1 })
        .limit(1)
        .toArray(),
    );
    return row?.revoked_at;
  }
}
