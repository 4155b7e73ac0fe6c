import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiKeys } from '@calltally/store';
import type { Logger } from '@calltally/telemetry';
import { toLoggedError } from '../logged-error.ts';
import type { ApiKeyCache } from './api-key-cache.ts';

/** With the time of one query this keeps a revoked key from being taken for longer than two seconds. */
const POLL_MS = 500;
/**
 * Revocations become visible a little out of the order of their times, and servers' clocks differ. Longer than any
 * look-up may take, so that one begun before a revocation is undone by a poll after it.
 */
const OVERLAP_MS = 10_000;

/**
 * Tells a key ring what has been revoked: one query for all keys, not one a request. Times compared are those that
 * Mongo itself gave; after an outage it goes on from the last one it saw, so nothing is missed.
 */
export class RevocationWatcher {
  readonly #keys: Pick<ApiKeys, 'revokedSince' | 'lastRevocation'>;
  readonly #ring: Pick<ApiKeyCache, 'revoke'>;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  /** The latest revocation seen; undefined until Mongo has been asked. */
  #latest: Date | undefined;
  #reachable = true;

  constructor(
    keys: Pick<ApiKeys, 'revokedSince' | 'lastRevocation'>,
    ring: Pick<ApiKeyCache, 'revoke'>,
    logger: Logger,
  ) {
    this.#keys = keys;
    this.#ring = ring;
    this.#logger = logger;
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
        this.#ring.revoke(row.hash);
        if (row.revoked_at !== undefined && row.revoked_at > this.#latest) this.#latest = row.revoked_at;
      }
      if (!this.#reachable) this.#logger.info('revoked keys can be asked for again');
      this.#reachable = true;
    } catch (thrown) {
      if (this.#stopping.signal.aborted) return;
      // Once an outage, not twice a second.
      if (this.#reachable) {
        this.#logger.warn(
          { fault: toLoggedError(thrown) },
          'cannot ask for revoked keys; known keys stay valid',
        );
      }
      this.#reachable = false;
    }
  }
}
