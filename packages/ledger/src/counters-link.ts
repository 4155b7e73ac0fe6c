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
  /** Epoch ms by which everything acknowledged to producers is counted; undefined until consumers have said so. */
  asOfMs: number | undefined;
}

const POLL_MS = 200;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Keeps a reader in touch with Redis: opens a session, keeps its generations and as-of at most a moment old, and opens
 * another session when one is over. While there is none, `current` is undefined and nobody waits for it.
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

  /** Resolves when the first attempt to connect has ended, well or not. */
  async start(): Promise<void> {
    const opened = await this.#open();
    this.#running = this.#run(opened);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#live?.session.end('stopping');
    await this.#running;
  }

  async #run(opened: boolean): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    let connected = opened;
    while (!this.#stopping.signal.aborted) {
      if (connected) {
        pauseMs = FIRST_PAUSE_MS;
        await this.#pause(POLL_MS);
        connected = await this.#poll(this.#live!.session);
      } else {
        await this.#pause(pauseMs);
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
        connected = !this.#stopping.signal.aborted && (await this.#open());
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

  async #pause(pauseMs: number): Promise<void> {
    await sleep(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}

/** The least of all partitions that have a checkpoint in their stream; undefined while one of them has not said. */
function lowestAsOf(generations: Generations): number | undefined {
  let lowest: number | undefined;
  for (const { checkpoints, asOf } of generations.values()) {
    const newest = Math.max(...[...checkpoints.keys()].map(streamOf));
    for (const partition of checkpoints.keys()) {
      if (streamOf(partition) !== newest) continue;
      const time = asOf.get(partition);
      if (time === undefined) return undefined;
      if (lowest === undefined || time < lowest) lowest = time;
    }
  }
  return lowest;
}

function streamOf(partition: string): number {
  return Number(partition.slice(0, partition.indexOf(':')));
}
