import { setTimeout as sleep } from 'node:timers/promises';
import { auditUsers, type Difference, reopen } from '@calltally/ledger';
import type { Logger } from '@calltally/telemetry';
import type { AssignmentEpoch, AssignmentEpochs } from './assignment-epochs.ts';
import type { IngestMetrics } from './metrics.ts';
import { UserSampler } from './user-sampler.ts';

export interface AuditSettings {
  /** Of the users counted in a round, 0 to 1. */
  share: number;
  usersPerMinute: number;
}

interface Parts {
  epochs: AssignmentEpochs;
  metrics: IngestMetrics;
  logger: Logger;
  stopping: AbortSignal;
}

const MINUTE_MS = 60_000;
/**
 * The shortest round; rates below a user a round make it longer. Long enough for ingest to notice that Mongo went back,
 * and for a newly elected primary to have all rows.
 */
const ROUND_MS = 5_000;
/** Rests for so many times as long as a round worked, so that slow stores are left to counting. */
const REST_FACTOR = 9;
/** Users of one aggregation. */
const USERS_AT_ONCE = 50;
const DIFFERENCES_LOGGED = 10;

/**
 * Compares counters with rows for some of the users that were just counted, all the time, and repairs those that
 * drifted. By the rules none do; this is how we would know. Never in the way of counting, whose ledger it uses: it runs
 * one aggregation at a time, gives up when a new epoch starts, and nobody waits for it.
 *
 * After Mongo went back, everybody looks wrong for a moment, which is no drift. So a user who looks wrong is only a
 * suspect, and has drifted if they look wrong in the next round of the same epoch, too.
 */
export class Auditor {
  readonly #parts: Parts;
  readonly #sampler: UserSampler;
  readonly #roundMs: number;
  #suspected: { epoch: AssignmentEpoch; userIds: string[] } | undefined;

  constructor(parts: Parts, { share, usersPerMinute }: AuditSettings) {
    this.#parts = parts;
    const atMost = Math.ceil((usersPerMinute * ROUND_MS) / MINUTE_MS);
    this.#roundMs = atMost === 0 ? MINUTE_MS : (atMost * MINUTE_MS) / usersPerMinute;
    this.#sampler = new UserSampler({ share, atMost });
  }

  /** Notes a user who was counted, for the next round's sample. */
  add(userId: string): void {
    this.#sampler.add(userId);
  }

  /** Never rejects. When ingest stops, the current round ends with the session or the store, which does no harm. */
  async run(): Promise<void> {
    const { stopping, logger } = this.#parts;
    let restMs = this.#roundMs;
    for (;;) {
      await sleep(restMs, undefined, { signal: stopping }).catch(() => {});
      if (stopping.aborted) return;
      const began = performance.now();
      try {
        await this.#round(this.#sampler.take());
      } catch (thrown) {
        // Counting meets the same failure and handles it.
        if (!stopping.aborted) logger.warn({ err: thrown }, 'audit round failed, skipping it');
      }
      restMs = Math.max(this.#roundMs, REST_FACTOR * (performance.now() - began));
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

  /** Differences by user, of users who have any; none once another epoch has started. */
  async #differencesOf(
    epoch: AssignmentEpoch,
    userIds: readonly string[],
  ): Promise<Map<string, Difference[]>> {
    const found = new Map<string, Difference[]>();
    for (let at = 0; at < userIds.length && this.#isCurrent(epoch); at += USERS_AT_ONCE) {
      const some = userIds
        .slice(at, at + USERS_AT_ONCE)
        .filter((userId) => epoch.ledger.session.holds(userId));
      const { compared, differences } = await auditUsers(epoch.ledger, some);
      this.#parts.metrics.auditedUsers.inc(compared);
      for (const one of differences) {
        found.set(one.userId, [...(found.get(one.userId) ?? []), one]);
      }
    }
    if (!this.#isCurrent(epoch)) return new Map();
    for (const userId of await this.#beingErased(epoch, [...found.keys()])) found.delete(userId);
    return found;
  }

  /** Their rows may be gone before their counters are. */
  async #beingErased({ ledger }: AssignmentEpoch, userIds: readonly string[]): Promise<string[]> {
    const justNow = Date.now() - MINUTE_MS;
    return [...(await ledger.store.erasures.of(userIds)).values()].flatMap(({ _id, state, finished_at }) =>
      state !== 'finished' || finished_at!.getTime() > justNow ? _id : [],
    );
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

  #isCurrent(epoch: AssignmentEpoch): boolean {
    return !this.#parts.stopping.aborted && this.#parts.epochs.current === epoch;
  }
}
