import type { AsOfMonitor } from './as-of-monitor.ts';
import type { AssignmentEpoch, AssignmentEpochs } from './assignment-epochs.ts';
import { type HeldPartitions, NOT_FETCHED } from './held-partitions.ts';
import type { IngestMetrics } from './metrics.ts';
import type { OffsetCommitter } from './offset-committer.ts';
import type { Work } from './progress-watch.ts';

interface Parts {
  epochs: Pick<AssignmentEpochs, 'current'>;
  held: Pick<HeldPartitions, 'current' | 'lastFailureMs'>;
  committer: Pick<OffsetCommitter, 'underWay'>;
  asOf: Pick<AsOfMonitor, 'looks'>;
  metrics: Pick<IngestMetrics, 'failures'>;
}

/** A step of the start, and how many attempts at it have begun. */
export interface StartStep {
  what: string;
  attempts: number;
}

/** What the consumer tells of itself. */
export interface Membership {
  /** Undefined once it joins the group. */
  starting: StartStep | undefined;
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

  async now({ starting, assigned, answers }: Membership): Promise<Work> {
    const { epochs, held, metrics, committer, asOf } = this.#parts;
    if (starting !== undefined) return new Map([[`start: ${starting.what}`, `${starting.attempts}`]]);
    const work = new Map([['membership of the group', `${answers}`]]);
    // Without partitions or an epoch there is nothing to look at, and looks go on all the same.
    if (asOf.looks > 0) work.set('as-of', `${asOf.looks}`);
    if (committer.underWay !== undefined) work.set('offset commit', `${committer.underWay}`);
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
      const state = `${this.#epochs} ${next} ${held.lastFailureMs(partition)}`;
      if (!epoch.queues.of(partition).isIdle) work.set(`batch of partition ${partition}`, state);
      else if (held.current.get(partition)?.code === NOT_FETCHED)
        work.set(`fetch of partition ${partition}`, state);
    }
    return work;
  }
}
