import type { HookRow, Hooks } from '@calltally/store';
import { LRUCache } from 'lru-cache';

const HOOKS_MAX = 100_000;
/** A secret that was rotated, and a hook that was deleted, take effect within about this. */
const FRESH_MS = 1_000;
const ID_PATTERN = /^hook_[0-9a-f]{1,64}$/;

/** Hooks by id. A hook that is known here works while Mongo is away. */
export class HookCache {
  readonly #hooks: LRUCache<string, { row: HookRow | undefined }>;

  constructor(hooks: Pick<Hooks, 'find'>) {
    this.#hooks = new LRUCache<string, { row: HookRow | undefined }>({
      max: HOOKS_MAX,
      ttl: FRESH_MS,
      allowStaleOnFetchRejection: true,
      noDeleteOnFetchRejection: true,
      fetchMethod: async (id) => ({ row: await hooks.find(id) }),
    });
  }

  /** @returns undefined if there is no such hook @throws StoreError if it is not known here and Mongo is away */
  async find(id: string): Promise<HookRow | undefined> {
    if (!ID_PATTERN.test(id)) return undefined;
    return (await this.#hooks.fetch(id))?.row;
  }
}
