import { setTimeout as sleep } from 'node:timers/promises';
import { eraseUsers } from '@calltally/counters';
import { eraseUser } from '@calltally/ledger';
import type { ErasureRow, Store } from '@calltally/store';
import type { Logger } from '@calltally/telemetry';
import type { AssignmentEpoch, AssignmentEpochs } from './assignment-epochs.ts';
import { logRetry } from './log-retry.ts';
import type { TopicAdmin } from './topic-admin.ts';

interface Parts {
  store: Store;
  epochs: Pick<AssignmentEpochs, 'current'>;
  topic: Pick<TopicAdmin, 'watermarks' | 'lastStable'>;
  logger: Logger;
  stopping: AbortSignal;
}

const EVERY_MS = 3_000;
/** The command that asked for an erasure usually finishes it. */
const LEFT_TO_COMMAND_MS = 10_000;
/** One that waits for a held partition must not hold up the others. */
const AT_ONCE_MAX = 8;
/** Longer than any process that was stopped may hold a batch. */
const RECENT_MS = 86_400_000;

/**
 * Finishes erasures whose command has ended too early, in the process that counts the first partition. When an epoch
 * starts, it also deletes once more what a process may have written that was killed before it looked for erasures.
 */
export class ErasureFinisher {
  readonly #parts: Parts;
  readonly #underWay = new Set<string>();
  #swept: AssignmentEpoch | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Resolves once ingest is stopping. Never rejects. */
  async run(): Promise<void> {
    const { stopping, epochs, logger } = this.#parts;
    for (;;) {
      await sleep(EVERY_MS, undefined, { signal: stopping }).catch(() => {});
      if (stopping.aborted) return;
      const epoch = epochs.current;
      if (epoch === undefined || epoch.positions.next(Math.min(...epoch.partitions)) === undefined) continue;
      try {
        await this.#sweep(epoch);
        await this.#finish();
      } catch (thrown) {
        if (!stopping.aborted) logRetry(logger, 'cannot finish an erasure', thrown);
      }
    }
  }

  /** @throws StoreError, CountersError */
  async #sweep(epoch: AssignmentEpoch): Promise<void> {
    if (this.#swept === epoch) return;
    const { store } = this.#parts;
    for (const { _id, stream, ends } of await store.erasures.finishedSince(
      new Date(Date.now() - RECENT_MS),
    )) {
      const deleted = await store.erasedCalls.deleteThrough(_id, { stream: stream!, ends: ends! });
      if (deleted > 0) await eraseUsers(epoch.ledger.session, [_id], Date.now());
    }
    this.#swept = epoch;
  }

  /** @throws StoreError */
  async #finish(): Promise<void> {
    const { store, logger, stopping } = this.#parts;
    const isLeft = ({ at }: ErasureRow) => at.getTime() <= Date.now() - LEFT_TO_COMMAND_MS;
    for (const { _id } of (await store.erasures.unfinished()).filter(isLeft)) {
      if (this.#underWay.has(_id) || this.#underWay.size === AT_ONCE_MAX) continue;
      this.#underWay.add(_id);
      this.#erase(_id)
        .then(() => logger.info('an erasure was finished whose command had ended'))
        .catch((thrown) => {
          if (!stopping.aborted) logRetry(logger, 'cannot finish an erasure', thrown);
        })
        .finally(() => this.#underWay.delete(_id));
    }
  }

  async #erase(userId: string): Promise<void> {
    const { store, epochs, topic, stopping } = this.#parts;
    await eraseUser(
      {
        store,
        async use(work) {
          const ledger = epochs.current?.ledger;
          if (ledger === undefined) throw new Error('there is no session with Redis at present');
          return work(ledger);
        },
        async endsOf(isolation) {
          const watermarks = await topic.watermarks();
          const partitions = [...watermarks.keys()];
          const stable = isolation === 'stable' ? await topic.lastStable(partitions) : undefined;
          return [...watermarks].map(([partition, { end }]) => ({
            partition,
            offset: (stable?.get(partition) ?? end) - 1,
          }));
        },
        signal: stopping,
      },
      userId,
    );
  }
}
