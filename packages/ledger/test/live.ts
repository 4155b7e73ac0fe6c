import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Call, defaultRange, type Range } from '@calltally/domain';
import { type LedgerContext, recordBatch, startEpoch, writeCheckpoint } from '../src/index.ts';
import { batchOf, callOf, DAY_MS, RETENTION_MONTHS, type World } from './support.ts';

export const USERS = Array.from({ length: 6 }, (_, i) => `u-live-${i}`);
export const PARTITIONS = [0, 1];
const PAUSE_MS = 10;

/** A call and the event that brought it first. */
export interface Given {
  call: Call;
  partition: number;
  /** Just before the event was on the topic, epoch ms. */
  sentMs: number;
}

/** A user's calls in the order they were given to `recordBatch`, and how many of them it has acknowledged. */
interface Counted {
  given: Given[];
  acknowledged: number;
}

/** Ranges by the path that answers them: window sums, buckets, buckets and edges, rows. */
export const RANGES: Record<string, (nowMs: number) => Range> = {
  window: defaultRange,
  'whole days': (nowMs) => ({ from: startOf(nowMs) - 75 * DAY_MS, until: startOf(nowMs) + DAY_MS }),
  'both edges cut': (nowMs) => ({
    from: startOf(nowMs) - randomInt(1, 70) * DAY_MS + randomInt(1, DAY_MS),
    until: nowMs - randomInt(0, 3_600_000),
  }),
  'beyond what is kept': (nowMs) => ({ from: nowMs - 1_200 * DAY_MS, until: nowMs + 1 }),
};

export function startOf(ms: number): number {
  return Math.floor(ms / DAY_MS) * DAY_MS;
}

/** A topic that is written and counted at the same time, by one consumer that starts a new epoch when its session ends. */
export class Live {
  readonly users: ReadonlyMap<string, Counted>;
  /** Batches that have their checkpoint. */
  batches = 0;
  /** How many epochs were started. */
  epochs = 0;
  /** No epoch starts before this resolves. */
  mayStart: Promise<unknown> = Promise.resolve();
  readonly #world: World;
  /** Tells the time around which calls start, epoch ms. */
  readonly #clock: () => number;
  readonly #topic = PARTITIONS.map(() => [] as Call[]);
  readonly #committed = PARTITIONS.map(() => 0);
  #ledger: LedgerContext | undefined;

  constructor(world: World, clock: () => number) {
    this.#world = world;
    this.#clock = clock;
    this.users = new Map(USERS.map((userId) => [userId, { given: [], acknowledged: 0 }]));
  }

  get calls(): number {
    return [...this.users.values()].reduce((sum, { given }) => sum + given.length, 0);
  }

  /** Counts batches of either partition, each with a call of some users and an event that came before. */
  async write(over: () => boolean): Promise<void> {
    for (let turn = 0; !over(); turn++) {
      const partition = turn % PARTITIONS.length;
      const log = this.#topic[partition]!;
      const first = log.length;
      const fresh = this.#send(partition);
      if (fresh.length === 0) continue;
      const sentMs = Date.now();
      const events = log.slice(first).map((call, i) => ({ offset: first + i, call }));
      for (let done = false; !done; ) {
        try {
          await this.mayStart;
          this.#ledger ??= await this.#begin();
          await recordBatch(this.#ledger, batchOf(partition, events));
          await this.#writeCheckpoint(this.#ledger, partition, sentMs);
          done = true;
        } catch (thrown) {
          if ((thrown as { code?: string }).code?.startsWith('COUNTERS_') !== true) throw thrown;
          this.#ledger?.session.end('over');
          this.#ledger = undefined;
          await sleep(PAUSE_MS);
        }
      }
      for (const { userId } of fresh) this.users.get(userId)!.acknowledged += 1;
      this.batches += 1;
    }
  }

  /** @returns calls that were not on the topic before */
  #send(partition: number): Call[] {
    const log = this.#topic[partition]!;
    const fresh = USERS.filter(() => randomInt(2) === 0).map((userId) => {
      const agoMs = randomInt(4) === 0 ? randomInt(80 * DAY_MS) : randomInt(-240_000, 600_000);
      return callOf(userId, { startedAt: this.#clock() - agoMs, durationMs: randomInt(1, 3_600_000) });
    });
    if (fresh.length === 0) return fresh;
    const before = this.#topic[randomInt(PARTITIONS.length)]!;
    if (before.length > 0) log.push(before[randomInt(before.length)]!);
    for (const call of fresh) {
      this.users.get(call.userId)!.given.push({ call, partition, sentMs: Date.now() });
      log.push(call);
    }
    return fresh;
  }

  /** Everything sent by `asOfMs` is counted in both partitions, because a batch is sent when the one before is counted. */
  async #writeCheckpoint(ledger: LedgerContext, partition: number, asOfMs: number): Promise<void> {
    for (const counted of PARTITIONS) {
      const through = this.#topic[counted]!.length - 1;
      if (through >= 0) await writeCheckpoint(ledger, { partition: `0:${counted}`, through, asOfMs });
    }
    await ledger.store.progress.advanceAsOf(0, PARTITIONS, asOfMs);
    this.#committed[partition] = this.#topic[partition]!.length;
  }

  /** Starts an epoch as a consumer that commits behind each batch: counts again what the checkpoints ask for. */
  async #begin(): Promise<LedgerContext> {
    const states = PARTITIONS.map((partition) => ({
      partition,
      committed: this.#committed[partition]!,
      earliest: 0,
      end: 1e9,
    }));
    const given = { topicEpoch: 0, partitions: states, retentionMonths: RETENTION_MONTHS };
    const { ledger, starts } = await startEpoch(this.#world.store, await this.#world.open(), given);
    for (const start of starts) {
      if (start.kind !== 'at') throw new Error('refused');
      const { partition, offset, storedThrough: stored } = start;
      const events = this.#topic[partition]!.map((call, at) => ({ offset: at, call }));
      const again = events.slice(offset, stored + 1);
      if (again.length > 0) await recordBatch(ledger, { ...batchOf(partition, again), again: true });
    }
    this.epochs += 1;
    return ledger;
  }
}
