import { advanceAsOf, type Checkpoint, type Master, writeCheckpoints } from '@calltally/counters';
import type { LedgerContext } from './ledger-context.ts';
import { REREAD_MAX } from './start-epoch.ts';

/** By how many events a checkpoint may be behind before it is written at once: too few to end a generation. */
const BEHIND_MAX = REREAD_MAX / 10;

interface Through {
  /** The offset that is counted. */
  counted: number;
  /** The offset that the master's checkpoint says. */
  written: number;
}

/**
 * Writes the checkpoints of an assignment epoch. Those of a batch go at once to the masters of its users. The others hear
 * of them with the next `flush`: a checkpoint that is behind only means that more is read again.
 */
export class Checkpoints {
  readonly #ledger: Pick<LedgerContext, 'session' | 'generations'>;
  /** For each master by partition id. */
  readonly #masters: ReadonlyMap<Master, Map<string, Through>>;

  constructor(ledger: Pick<LedgerContext, 'session' | 'generations'>) {
    this.#ledger = ledger;
    this.#masters = new Map([...ledger.generations.keys()].map((master) => [master, new Map()]));
  }

  /**
   * Call it only when everything of the partition through that offset is recorded.
   * @param partition a partition id
   * @param userIds users of the batch that ends at `through`
   * @throws CountersError
   */
  async counted(partition: string, through: number, userIds: Iterable<string>): Promise<void> {
    const { generations } = this.#ledger;
    const busy = this.#mastersOf(userIds);
    const writing: Promise<void>[] = [];
    for (const [master, partitions] of this.#masters) {
      const written =
        partitions.get(partition)?.written ?? generations.get(master)!.checkpoints.get(partition) ?? -1;
      partitions.set(partition, { counted: through, written });
      if (busy.has(master) || through - written >= BEHIND_MAX) {
        writing.push(this.#write(master, [{ partition, through }]));
      }
    }
    await Promise.all(writing);
  }

  /**
   * Writes what the masters have not heard of yet, with one command to each.
   * @param asOf by partition id the time (epoch ms) by which everything acknowledged is counted
   * @throws CountersError
   */
  async flush(asOf: ReadonlyMap<string, number> = new Map()): Promise<void> {
    await Promise.all(
      [...this.#masters].map(async ([master, partitions]) => {
        const checkpoints = new Map<string, Checkpoint>();
        for (const [partition, { counted, written }] of partitions) {
          if (counted > written) checkpoints.set(partition, { partition, through: counted });
        }
        for (const [partition, asOfMs] of asOf) {
          checkpoints.set(partition, { ...checkpoints.get(partition), partition, asOfMs });
        }
        await this.#write(master, [...checkpoints.values()]);
      }),
    );
  }

  /**
   * Tells readers as of when all partitions are counted on each master, whoever counts them.
   * @throws CountersError
   */
  async advanceAsOf(): Promise<void> {
    const { session } = this.#ledger;
    await Promise.all([...this.#masters.keys()].map((master) => advanceAsOf(session, master)));
  }

  #mastersOf(userIds: Iterable<string>): Set<Master> {
    const { session } = this.#ledger;
    const masters = new Set<Master>();
    for (const userId of userIds) {
      if (masters.size === this.#masters.size) break;
      if (session.holds(userId)) masters.add(session.master(userId));
    }
    return masters;
  }

  async #write(master: Master, checkpoints: readonly Checkpoint[]): Promise<void> {
    await writeCheckpoints(this.#ledger, master, checkpoints);
    const partitions = this.#masters.get(master)!;
    for (const { partition, through = -1 } of checkpoints) {
      const known = partitions.get(partition);
      if (known !== undefined) known.written = Math.max(known.written, through);
    }
  }
}
