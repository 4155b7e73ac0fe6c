import { setTimeout as sleep } from 'node:timers/promises';
import { CountersError } from '@calltally/counters';
import { partitionId, type Store } from '@calltally/store';
import type { Logger } from '@calltally/telemetry';
import type { AssignmentEpoch, AssignmentEpochs } from './assignment-epochs.ts';
import type { HeldPartitions } from './held-partitions.ts';
import type { IngestMetrics } from './metrics.ts';
import type { TopicAdmin, Watermarks } from './topic-admin.ts';

const EVERY_MS = 500;
/** How often one process tells readers what the others have told, so that as-of is hardly older for there being many. */
const TELL_EVERY_MS = 100;

interface Parts {
  store: Store;
  epochs: AssignmentEpochs;
  topic: TopicAdmin;
  held: HeldPartitions;
  metrics: IngestMetrics;
  logger: Logger;
  stopping: AbortSignal;
}

/**
 * Asks the brokers twice a second where the partitions end, and moves as-of on. Also starts a new epoch when the topic
 * or Mongo has changed under the current one, even while there is nothing to count.
 */
export class AsOfMonitor {
  readonly #parts: Parts;
  #looks = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** How many looks have begun. Each ends or fails within a time limit, and another follows. */
  get looks(): number {
    return this.#looks;
  }

  /** Resolves once ingest is stopping. Never rejects. */
  async run(): Promise<void> {
    await Promise.all([this.#lookOn(), this.#tellOn()]);
  }

  async #lookOn(): Promise<void> {
    const { stopping, logger } = this.#parts;
    while (!stopping.aborted) {
      this.#looks += 1;
      const pause = sleep(EVERY_MS, undefined, { signal: stopping }).catch(() => {});
      try {
        await this.#look(pause);
      } catch (thrown) {
        // As-of stands still, which is correct. Counting notices the failure by itself.
        logger.debug({ err: thrown }, 'cannot advance as-of, retrying');
      }
      await pause;
    }
  }

  async #tellOn(): Promise<void> {
    const { epochs, stopping } = this.#parts;
    while (!stopping.aborted) {
      await sleep(TELL_EVERY_MS, undefined, { signal: stopping }).catch(() => {});
      const epoch = epochs.current;
      if (epoch === undefined || !speaksForAll(epoch) || hasAll(epoch)) continue;
      // It says nothing new, so nothing depends on it. Whatever failed, the next look notices it, too.
      await epoch.checkpoints.advanceAsOf().catch(() => {});
    }
  }

  async #look(pause: Promise<void>): Promise<void> {
    const { epochs, topic, metrics, logger } = this.#parts;
    const askedAtMs = Date.now();
    const epoch = epochs.current;
    if (epoch === undefined) return;
    // Read first: what it is compared with can only grow meanwhile.
    const next = epoch.positions.all();
    const { all, watermarks } = await topic.watermarksOf([...next.keys()]);
    const change = await this.#changeSince(epoch, next, { all, watermarks });
    if (change.length > 0) {
      logger.warn({ change }, 'starting a new assignment epoch');
      epochs.invalidate(epoch);
    }
    if (epochs.current !== epoch) return;
    const { positions } = epoch;
    positions.probed(askedAtMs, watermarks);
    for (const { partition, messages, seconds } of positions.lag(watermarks, askedAtMs)) {
      metrics.lagMessages.set({ partition }, messages);
      metrics.lagSeconds.set({ partition }, seconds);
    }
    // Together, in one command to each master; and when the first partition waits for the last, as-of does anyway.
    await Promise.race([positions.caughtUp(), pause]);
    if (epochs.current !== epoch) return;
    await this.#advanceAsOf(epoch);
    await this.#parts.held.look(epoch, watermarks);
  }

  async #advanceAsOf(epoch: AssignmentEpoch): Promise<void> {
    const { ledger, checkpoints, stream, positions } = epoch;
    const reached = positions.takeReached();
    try {
      // In this order, since commands of one connection take effect as they were sent.
      await Promise.all([
        checkpoints.flush(
          new Map([...reached].map(([partition, asOfMs]) => [partitionId(stream, partition), asOfMs])),
        ),
        speaksForAll(epoch) && checkpoints.advanceAsOf(),
      ]);
    } catch (thrown) {
      // While there is nothing to count, nobody else notices that Redis was emptied.
      if (thrown instanceof CountersError && !thrown.isOfSlots) this.#parts.epochs.invalidate(epoch, thrown);
      throw thrown;
    }
    if (reached.size === 0) return;
    await ledger.store.progress.advanceAsOf(stream, [...reached.keys()], Math.min(...reached.values()));
  }

  /** How the topic or Mongo differs from what the epoch started with. */
  async #changeSince(
    epoch: AssignmentEpoch,
    next: ReadonlyMap<number, number>,
    { all, watermarks }: { all: readonly number[]; watermarks: ReadonlyMap<number, Watermarks> },
  ): Promise<string[]> {
    // As-of must not speak for partitions that nobody reads.
    const added = all.filter((partition) => !epoch.partitions.has(partition));
    if (added.length > 0) return added.map((partition) => `partition ${partition} was added`);
    // While Mongo is away, as-of of the counters goes on; the failed batch starts a new epoch.
    const { progress, erasures } = this.#parts.store;
    const found = await progress.streamAndStored(epoch.stream, [...next.keys()]).catch(() => undefined);
    if (found === undefined) return [];
    const { stream, stored, isTold } = found;
    // An erasure has ended, its process was killed before it told, or is of a version that tells nobody. If it fails, the
    // next look tries again.
    if (!isTold) await erasures.tellPartitions().catch(() => {});
    if (stream !== epoch.stream) return [`stream ${stream} has begun`];
    return [...next].flatMap(([partition, offset]) => {
      const { earliest, end } = watermarks.get(partition) ?? { earliest: offset, end: offset };
      if (end < offset) return [`partition ${partition} ends at ${end}, below what was read`];
      const held = Math.max((stored.get(partitionId(epoch.stream, partition)) ?? -1) + 1, earliest);
      return held < offset ? [`Mongo has partition ${partition} only below ${held}`] : [];
    });
  }
}

/**
 * Whether this process tells readers as-of of all partitions: the one that counts the first of them. Nobody need be elected,
 * and if it stands still, as-of would do so anyway, since it covers that partition.
 */
function speaksForAll({ partitions, positions }: AssignmentEpoch): boolean {
  return positions.next(Math.min(...partitions)) !== undefined;
}

function hasAll({ partitions, positions }: AssignmentEpoch): boolean {
  return partitions.size === positions.all().size;
}
