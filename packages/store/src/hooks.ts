import { randomBytes } from 'node:crypto';
import type { Collection, Filter } from 'mongodb';
import { StoreError } from './errors.ts';
import type { MongoCall } from './mongo-call.ts';

/** A secret that a hook accepts. What `value` holds depends on the platform, which sends the secret or signs with it. */
export interface HookSecretRow {
  _id: string;
  /** `hashed`: SHA-256, hex. `encrypted`: by the key `key_id`. `public`: as it is. */
  kept: 'hashed' | 'encrypted' | 'public';
  value: string;
  /** Which of `HOOK_KEYS` has encrypted it. */
  key_id?: string;
  created_at: Date;
  /** Until then it is accepted beside the secret that replaced it. */
  expires_at?: Date;
}

/** A hook: an address that a platform sends its webhooks to. A document of the collection `hooks`. */
export interface HookRow {
  /** `hook_…`, part of the address. Public: the secret is what authenticates. */
  _id: string;
  provider: string;
  /** `HookDefinition` of @calltally/hooks, as JSON. */
  definition: Record<string, unknown>;
  name?: string;
  /** The newest first. */
  secrets: HookSecretRow[];
  /** How often the row was changed. */
  version: number;
  created_at: Date;
}

/** What is left of a hook that was deleted: neither its secrets nor whose calls it brought. */
export type DeletedHookRow = Pick<HookRow, '_id' | 'provider' | 'created_at'> & { deleted_at: Date };

type AnyRow = HookRow | DeletedHookRow;

/** Of a change that others are faster with. */
const ATTEMPTS = 20;
const LIVE: Filter<AnyRow> = { deleted_at: { $exists: false } };

/** An id for a new hook. Secrets are encrypted for the id, so it comes first. */
export const newHookId = () => `hook_${randomBytes(12).toString('hex')}`;
export const newHookSecretId = () => `secret_${randomBytes(9).toString('hex')}`;

/** The hooks, and their secrets as they are kept. Nothing here can read a secret. */
export class Hooks {
  readonly #rows: Collection<AnyRow>;
  readonly #mongo: MongoCall;

  constructor(rows: Collection<AnyRow>, mongo: MongoCall) {
    this.#rows = rows;
    this.#mongo = mongo;
  }

  /** @param hook with an id from `newHookId`. @throws StoreError */
  async create(hook: Omit<HookRow, 'version' | 'created_at'>): Promise<HookRow> {
    const row = { ...hook, version: 0, created_at: new Date() };
    // Not idempotent: a repetition would find its own row in the way.
    await this.#mongo(() => this.#rows.insertOne(row), { retries: 0 });
    return row;
  }

  /** @returns undefined if there is none, or it was deleted. @throws StoreError */
  async find(hookId: string): Promise<HookRow | undefined> {
    const row = await this.#mongo(() => this.#rows.findOne({ _id: hookId, ...LIVE }));
    return (row as HookRow | null) ?? undefined;
  }

  /** Those that were not deleted, newest first; of one user those that always bring this user's calls. @throws StoreError */
  async list(userId?: string): Promise<HookRow[]> {
    const which = userId === undefined ? LIVE : { ...LIVE, 'definition.user.id': userId };
    const rows = await this.#mongo(() => this.#rows.find(which).sort({ created_at: -1, _id: 1 }).toArray());
    return rows as HookRow[];
  }

  /**
   * Puts a new secret before the others, which are accepted until `keepUntil` at most. Those that have expired go.
   * @returns undefined if there is no such hook
   * @throws StoreError
   */
  async rotate(hookId: string, secret: HookSecretRow, keepUntil: Date): Promise<HookRow | undefined> {
    return this.change(hookId, ({ secrets }) => {
      const now = new Date();
      const kept = secrets
        .map((one) => ({ ...one, expires_at: earlier(one.expires_at, keepUntil) }))
        .filter(({ expires_at }) => expires_at > now);
      return { secrets: [secret, ...kept] };
    });
  }

  /**
   * Changes a hook as it is now. If others change it meanwhile, `make` is asked again.
   * @returns the hook after it; undefined if there is none
   * @throws StoreError, and what `make` throws
   */
  async change(
    hookId: string,
    make: (hook: HookRow) => Partial<Pick<HookRow, 'definition' | 'name' | 'secrets'>>,
  ): Promise<HookRow | undefined> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const hook = await this.find(hookId);
      if (hook === undefined) return undefined;
      const { version } = hook;
      const changed = { ...make(hook), version: version + 1 };
      const { matchedCount } = await this.#mongo(() =>
        this.#rows.updateOne({ _id: hookId, version, ...LIVE }, { $set: changed }),
      );
      if (matchedCount > 0) return { ...hook, ...changed };
    }
    throw new StoreError('STORE_CONFLICT', true, new Error('others change the hook all the time'));
  }

  /**
   * Deletes a hook for good. A second time changes nothing.
   * @returns what is left of it; undefined if there is none of this id
   * @throws StoreError
   */
  async delete(hookId: string): Promise<DeletedHookRow | undefined> {
    const hook = await this.find(hookId);
    if (hook !== undefined) {
      const { provider, created_at } = hook;
      const left = { provider, created_at, deleted_at: new Date() };
      await this.#mongo(() => this.#rows.replaceOne({ _id: hookId, ...LIVE }, left));
    }
    const row = await this.#mongo(() => this.#rows.findOne({ _id: hookId }));
    return (row as DeletedHookRow | null) ?? undefined;
  }

  /** Deletes the hooks that always bring this user's calls. @returns how many. @throws StoreError */
  async deleteOf(userId: string): Promise<number> {
    const hooks = await this.list(userId);
    for (const { _id } of hooks) await this.delete(_id);
    return hooks.length;
  }
}

function earlier(a: Date | undefined, b: Date): Date {
  return a !== undefined && a < b ? a : b;
}
