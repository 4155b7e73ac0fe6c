import type { AssignmentEpoch, AssignmentEpochs } from './assignment-epochs.ts';
import type { HeldPartitions } from './held-partitions.ts';
import type { IngestMetrics } from './metrics.ts';
import type { Work } from './progress-watch.ts';

interface Parts {
  epochs: Pick<AssignmentEpochs, 'current'>;
  held: Pick<HeldPartitions, 'lastFailureMs'>;
  metrics: Pick<IngestMetrics, 'failures'>;
}

/** What the consumer tells of itself. */
export interface Membership {
  /** The assigned partitions; undefined while it is no member of the group. */
  assigned: readonly number[] | undefined;
  /** How many joins and heartbeats the brokers have answered: kafkajs sends a heartbeat after every fetch. */
  answers: number;
}

/**
 * What ingest has under way. An attempt that fails is progress, as it is followed by another: only what neither ends nor
 * fails stands still.
 */
export class WorkUnderWay {
  readonly #parts: Parts;
  #epoch: AssignmentEpoch | undefined;
  #epochs = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async now({ assigned, answers }: Membership): Promise<Work> {
    const { epochs, held, metrics } = this.#parts;
    const work = new Map([['membership of the group', `${answers}`]]);
    const epoch = epochs.current;
    if (epoch === undefined) {
      // While there is no epoch, only the search for one fails.
      const failures = (await metrics.failures.get()).values.reduce((sum, { value }) => sum + value, 0);
      if (assigned?.length) work.set('start of an assignment epoch', `${assigned} ${failures}`);
      return work;
    }
    if (this.#epoch !== epoch) this.#epochs += 1;
    this.#epoch = epoch;
    for (const [partition, next] of epoch.positions.all()) {
      if (epoch.queues.of(partition).isIdle) continue;
      work.set(`batch of partition ${partition}`, `${this.#epochs} ${next} ${held.lastFailureMs(partition)}`);
    }
    return work;
  }
}
