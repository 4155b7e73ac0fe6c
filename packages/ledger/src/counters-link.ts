import { setTimeout as sleep } from 'node:timers/promises';
import {
  CounterSession,
  type CounterSessionOptions,
  type Generations,
  readGenerations,
} from '@calltally/counters';

export interface LiveCounters {
  session: CounterSession;
  generations: Generations;
  /** Epoch ms by which everything acknowledged to producers is counted; undefined until ingest has said so. */
  asOfMs: number | undefined;
}

const POLL_MS = 200;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Keeps a reader in touch with Redis. Opens a session, polls its generations and as-of, and opens another one when it is
 * over. While there is none, `current` is undefined and nobody waits for it.
 */
export class CountersLink {
  readonly #settings: CounterSessionOptions;
  readonly #stopping = new AbortController();
  #live: LiveCounters | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(settings: CounterSessionOptions) {
    this.#settings = settings;
  }

  get current(): LiveCounters | undefined {
    return this.#live?.session.isOpen ? this.#live : undefined;
  }

  /** Resolves when the first attempt to connect has ended, successful or not. */
  async start(): Promise<void> {
    this.#running = this.#run(await this.#open());
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#live?.session.end('stopping');
    await this.#running;
  }

  async #run(connected: boolean): Promise<void> {
    const { signal } = this.#stopping;
    const pause = (ms: number) => sleep(ms, undefined, { signal }).catch(() => {});
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; ) {
      if (connected) {
        pauseMs = FIRST_PAUSE_MS;
        await pause(POLL_MS);
        connected = await this.#poll(this.#live!.session);
      } else {
        await pause(pauseMs);
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
        connected = !signal.aborted && (await this.#open());
      }
    }
    this.#live?.session.end('stopping');
  }

  async #open(): Promise<boolean> {
    try {
      return await this.#poll(await CounterSession.open(this.#settings));
    } catch {
      return false;
    }
  }

  /** Reads generations and as-of together, so that no as-of of one generation stands beside another's counters. */
  async #poll(session: CounterSession): Promise<boolean> {
    try {
      const generations = await readGenerations(session);
      this.#live = { session, generations, asOfMs: lowestAsOf(generations) };
      return true;
    } catch {
      return false;
    }
  }
}

/** The lowest as-of of all partitions of the newest topic epoch; undefined if one of them has none yet. */
function lowestAsOf(generations: Generations): number | undefined {
  let lowest: number | undefined;
  for (const { checkpoints, asOf } of generations.values()) {
    const newest = Math.max(...[...checkpoints.keys()].map(topicEpochOf));
    for (const partition of checkpoints.keys()) {
      if (topicEpochOf(partition) !== newest) continue;
      const time = asOf.get(partition);
      if (time === undefined) return undefined;
      if (lowest === undefined || time < lowest) lowest = time;
    }
  }
  return lowest;
}

function topicEpochOf(partition: string): number {
  return Number(partition.slice(0, partition.indexOf(':')));
}
