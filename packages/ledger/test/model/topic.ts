import type { CallVersion } from '@calltally/domain';
import type { CallBatch, PartitionOffsets } from '../../src/index.ts';
import type { Worker } from './turns.ts';

/** Kafka, as far as the protocol uses it. An event without a call is one that is rejected. */
export class Topic {
  readonly log: (CallVersion | undefined)[][];
  readonly committed: (number | undefined)[];
  /** Partition and offset of each event, in the order in which they were acknowledged. Time is how many there are. */
  readonly sent: [partition: number, offset: number][] = [];

  constructor(partitions: number) {
    this.log = Array.from({ length: partitions }, () => []);
    this.committed = this.log.map(() => undefined);
  }

  send(partition: number, ...calls: (CallVersion | undefined)[]): void {
    for (const call of calls) this.sent.push([partition, this.log[partition]!.push(call) - 1]);
  }

  /** Consecutive events from an offset on. */
  batch(partition: number, from: number, size: number): CallBatch {
    const messages = this.log[partition]!.slice(from, from + size);
    const events = messages.flatMap((call, i) => (call === undefined ? [] : [{ offset: from + i, call }]));
    return { topicEpoch: 0, partition, events, through: from + messages.length - 1 };
  }

  end(partition: number): number {
    return this.log[partition]!.length;
  }

  /** What the as-of monitor asks for: the ends, and when they were asked for. */
  probe(worker: Worker): Promise<{ ends: number[]; time: number }> {
    return worker.ask('kafka', this, 'ask for ends', () => ({
      ends: this.log.map((log) => log.length),
      time: this.sent.length,
    }));
  }

  states(worker: Worker): Promise<PartitionOffsets[]> {
    return worker.ask('kafka', this, 'ask for commits and ends', () =>
      this.log.map((log, partition) => ({
        partition,
        committed: this.committed[partition],
        earliest: 0,
        end: log.length,
      })),
    );
  }

  /** The commit of a zombie may go back. */
  commit(worker: Worker, partition: number, next: number): Promise<void> {
    return worker.ask('kafka', this, `commit ${partition}:${next}`, () => {
      this.committed[partition] = next;
    });
  }
}
