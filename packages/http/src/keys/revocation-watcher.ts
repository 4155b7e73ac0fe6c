import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiKeys } from '@calltally/store';
import type { OutageLog } from '../outage-log.ts';
import type { ApiKeyCache } from './api-key-cache.ts';

/** With the time of one query, a revoked key is accepted for at most two seconds. */
const POLL_MS = 500;
/**
 * Polls overlap, since revocations may become visible out of order and servers' clocks differ. Longer than any look-up,
 * so that a poll corrects a look-up that began before the revocation.
 */
const OVERLAP_MS = 10_000;

/**
 * Evicts revoked keys from the cache, by one query for all keys instead of one per request. Compares only times that
 * Mongo gave, and resumes from the last one after an outage, so nothing is missed.
 */
export class RevocationWatcher {
  readonly #keys: Pick<ApiKeys, 'revokedSince' | 'lastRevocation'>;
  readonly #cache: Pick<ApiKeyCache, 'revoke'>;
  readonly #outages: OutageLog;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  /** The latest revocation seen; undefined until Mongo has been asked. */
  #latest: Date | undefined;
  #reachable = true;

  constructor(
    keys: Pick<ApiKeys, 'revokedSince' | 'lastRevocation'>,
    cache: Pick<ApiKeyCache, 'revoke'>,
    outages: OutageLog,
  ) {
    this.#keys = keys;
    this.#cache = cache;
    this.#outages = outages;
  }

  /** Whether the last poll was answered. */
  get reachable(): boolean {
    return this.#reachable;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#poll();
      await sleep(POLL_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #poll(): Promise<void> {
    try {
      this.#latest ??= (await this.#keys.lastRevocation()) ?? new Date(0);
      for (const row of await this.#keys.revokedSince(new Date(this.#latest.getTime() - OVERLAP_MS))) {
        this.#cache.revoke(row.hash);
        if (row.revoked_at !== undefined && row.revoked_at > this.#latest) this.#latest = row.revoked_at;
      }
      this.#outages.back();
      this.#reachable = true;
    } catch (thrown) {
      if (this.#stopping.signal.aborted) return;
      this.#outages.away(thrown);
      this.#reachable = false;
    }
  }
}
