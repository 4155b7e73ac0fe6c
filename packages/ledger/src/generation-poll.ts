import {
  type CounterSession,
  type Generation,
  type Generations,
  type Master,
  readGenerations,
} from '@calltally/counters';

/** How long as-of of a master may stand still before the reader looks at each of its partitions. */
const STANDS_MS = 1_000;

interface Seen {
  id: string;
  /** As-of as it was noted for readers, and since when (by the reader's clock, in ms) it is the same. */
  notedMs: number | undefined;
  sinceMs: number;
  /** The lowest as-of of the partitions, when they were last read. */
  lowestMs: number | undefined;
  readAtMs: number;
}

/**
 * Reads generations again and again. Of a master with 500 partitions it reads what ingest has noted for readers, which is a
 * few fields. Ingest of the version before notes nothing: while as-of stands still, the partitions are read as well, once
 * a second.
 */
export class GenerationPoll {
  /** Masters belong to one session, so nothing is kept beyond a cut. */
  readonly #seen = new WeakMap<Master, Seen>();
  readonly #now: () => number;

  /** @param now a clock in ms that never goes back. Default: this process's */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** @returns generations whose `asOfMs` is the newest that is known to be true @throws CountersError */
  async read(session: CounterSession): Promise<Generations> {
    const nowMs = this.#now();
    const whole = new Set(session.masters.filter((master) => this.#stands(master, nowMs)));
    const generations = await readGenerations(session, (master) => whole.has(master));
    for (const [master, generation] of generations) {
      const asOfMs = this.#asOf(master, generation, whole.has(master), nowMs);
      generations.set(master, { ...generation, asOfMs });
    }
    return generations;
  }

  #stands(master: Master, nowMs: number): boolean {
    const seen = this.#seen.get(master);
    return seen === undefined || nowMs - Math.max(seen.sinceMs, seen.readAtMs) >= STANDS_MS;
  }

  #asOf(master: Master, generation: Generation, isWhole: boolean, nowMs: number): number | undefined {
    const { id, asOfMs: notedMs } = generation;
    const before = this.#seen.get(master);
    const isSame = before !== undefined && before.id === id && before.notedMs === notedMs;
    const seen = isSame
      ? before
      : { id, notedMs, sinceMs: nowMs, lowestMs: undefined, readAtMs: Number.NEGATIVE_INFINITY };
    if (isWhole) {
      seen.lowestMs = lowestAsOf(generation);
      seen.readAtMs = nowMs;
    }
    this.#seen.set(master, seen);
    const times = [notedMs, seen.lowestMs].filter((time) => time !== undefined);
    return times.length === 0 ? undefined : Math.max(...times);
  }
}

/** The lowest as-of of all partitions of the newest topic epoch; undefined if one of them has none yet. */
function lowestAsOf({ checkpoints, asOf }: Generation): number | undefined {
  const newest = Math.max(...[...checkpoints.keys()].map(topicEpochOf));
  let lowest: number | undefined;
  for (const partition of checkpoints.keys()) {
    if (topicEpochOf(partition) !== newest) continue;
    const time = asOf.get(partition);
    if (time === undefined) return undefined;
    if (lowest === undefined || time < lowest) lowest = time;
  }
  return lowest;
}

function topicEpochOf(partition: string): number {
  return Number(partition.slice(0, partition.indexOf(':')));
}
