import { setTimeout as sleep } from 'node:timers/promises';
import { auditUsers, type Difference, reopen } from '@calltally/ledger';
import type { Logger } from '@calltally/telemetry';
import type { AssignmentEpoch, AssignmentEpochs } from './assignment-epochs.ts';
import type { IngestMetrics } from './metrics.ts';
import { UserSampler } from './user-sampler.ts';

export interface AuditSettings {
  /** Of the users seen in a round, 0 to 1. */
  share: number;
  usersPerMinute: number;
}

interface Parts {
  epochs: AssignmentEpochs;
  metrics: IngestMetrics;
  logger: Logger;
}

const MINUTE_MS = 60_000;
/**
 * The shortest round; a rate of less than a user a round makes rounds longer. Ingest notices within one that Mongo went
 * back, and a primary that was just elected no longer tells older rows after one.
 */
const ROUND_MS = 5_000;
/** After work of any length at least so many times its length is rested, so that slow stores are left to counting. */
const REST = 9;
/** Users added up by one aggregation. */
const USERS_AT_ONCE = 50;
const DIFFERENCES_LOGGED = 10;

/**
 * Compares counters with rows all the time, for a few of the users that have just been counted, and repairs those that
 * drifted. By the rules there are none; this is how it would be known. Works beside counting, with its ledger, and never
 * in its way: one aggregation at a time, given up when a new epoch starts, and nobody waits for it.
 *
 * A Mongo that went back makes everybody look wrong for a moment, and that is no drift. So who looks wrong is a suspect,
 * and has drifted only if he looks wrong in the next round, too, within the same epoch.
 */
export class Auditor {
  readonly #parts: Parts;
  readonly #sampler: UserSampler;
  readonly #roundMs: number;
  readonly #stopping = new AbortController();
  #suspected: { epoch: AssignmentEpoch; userIds: string[] } | undefined;

  constructor(parts: Parts, { share, usersPerMinute }: AuditSettings) {
    this.#parts = parts;
    const atMost = Math.ceil((usersPerMinute * ROUND_MS) / MINUTE_MS);
    this.#roundMs = atMost === 0 ? MINUTE_MS : (atMost * MINUTE_MS) / usersPerMinute;
    this.#sampler = new UserSampler({ share, atMost });
  }

  /** Notes who was counted; he may be looked at in the next round. */
  add(userId: string): void {
    this.#sampler.add(userId);
  }

  start(): void {
    void this.#run();
  }

  /** Begins nothing more. What is under way ends with the session and the store, and harms nobody if it is cut off. */
  stop(): void {
    this.#stopping.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let restMs = this.#roundMs;
    for (;;) {
      await sleep(restMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      const began = performance.now();
      try {
        await this.#round(this.#sampler.take());
      } catch (thrown) {
        // Counting meets the same fault and deals with it; the next round looks at others.
        if (!signal.aborted) this.#parts.logger.warn({ err: thrown }, 'audit round failed, skipping it');
      }
      restMs = Math.max(this.#roundMs, REST * (performance.now() - began));
    }
  }

  /** @throws CountersError, StoreError */
  async #round(userIds: readonly string[]): Promise<void> {
    const epoch = this.#parts.epochs.current;
    const before = this.#suspected;
    this.#suspected = undefined;
    if (epoch === undefined) return;
    if (before?.epoch === epoch) {
      await this.#repair(epoch, await this.#differencesOf(epoch, before.userIds));
    }
    const differences = await this.#differencesOf(epoch, userIds);
    if (differences.size > 0) this.#suspected = { epoch, userIds: [...differences.keys()] };
  }

  /** What is wrong with the counters of users, for each of whom something is; nothing once a new epoch starts. */
  async #differencesOf(
    epoch: AssignmentEpoch,
    userIds: readonly string[],
  ): Promise<Map<string, Difference[]>> {
    const found = new Map<string, Difference[]>();
    for (let at = 0; at < userIds.length && this.#isGood(epoch); at += USERS_AT_ONCE) {
      const { compared, differences } = await auditUsers(epoch.ledger, userIds.slice(at, at + USERS_AT_ONCE));
      this.#parts.metrics.auditedUsers.inc(compared);
      for (const one of differences) {
        const others = found.get(one.userId);
        if (others === undefined) found.set(one.userId, [one]);
        else others.push(one);
      }
    }
    return this.#isGood(epoch) ? found : new Map();
  }

  async #repair(
    { ledger }: AssignmentEpoch,
    drifted: ReadonlyMap<string, readonly Difference[]>,
  ): Promise<void> {
    const { metrics, logger } = this.#parts;
    for (const [userId, all] of drifted) {
      metrics.driftedUsers.inc();
      const differences = all.slice(0, DIFFERENCES_LOGGED);
      const more = all.length - differences.length;
      logger.error({ userId, differences, more }, 'counters differ from rows, repairing');
    }
    await reopen(ledger, [...drifted.keys()]);
    metrics.repairedUsers.inc(drifted.size);
  }

  #isGood(epoch: AssignmentEpoch): boolean {
    return !this.#stopping.signal.aborted && this.#parts.epochs.current === epoch;
  }
}
