import { setTimeout as sleep } from 'node:timers/promises';
import {
  CounterSession,
  type CounterSessionOptions,
  findGeneration,
  type Generations,
  type Reach,
  type Remembered,
  reachOf,
  rememberedBy,
} from '@calltally/counters';
import { GenerationPoll } from './generation-poll.ts';

export interface LiveCounters {
  session: CounterSession;
  generations: Generations;
  /**
   * Epoch ms by which everything acknowledged to producers is counted on every master that is there; undefined until
   * ingest has said so. For a user, see `asOfOf`.
   */
  asOfMs: number | undefined;
}

/** Epoch ms by which everything acknowledged to producers is counted on a user's master. */
export function asOfOf({ session, generations, asOfMs }: LiveCounters, userId: string): number | undefined {
  if (!session.isCluster) return asOfMs;
  return findGeneration(session, generations, userId)?.asOfMs;
}

/** Is told again and again whether all of Redis can be read, or why not. */
export interface LinkWatcher {
  away(reason: unknown): void;
  back(): void;
  /** A master does not tell which keys have changed, so it is asked for every answer. */
  untracked?(reason: Error): void;
}

const POLL_MS = 200;
/** How often a cluster is asked whether its masters have changed. */
const CHANGE_POLL_MS = 1_000;
/** How often a master that does not tell of changes is asked for it again: it may have been full, or down for a moment. */
const TRACK_AGAIN_MS = 60_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Keeps a reader in touch with Redis. Opens a session, polls its generations and as-of, and opens another one when a
 * master is lost, or the cluster has changed. While there is no master, `current` is undefined, and nobody waits for it.
 */
export class CountersLink {
  readonly #settings: CounterSessionOptions;
  readonly #watcher: LinkWatcher | undefined;
  readonly #stopping = new AbortController();
  readonly #generations = new GenerationPoll();
  #live: LiveCounters | undefined;
  /** Why a master does not tell of changes, as it was last said. */
  #untracked: string | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(settings: CounterSessionOptions, watcher?: LinkWatcher) {
    this.#settings = { ...settings, allowsAbsentMasters: true };
    this.#watcher = watcher;
  }

  get current(): LiveCounters | undefined {
    return this.#live?.session.isUsable ? this.#live : undefined;
  }

  /** How much of Redis can be read; undefined while nothing can. */
  get reach(): Reach | undefined {
    return this.current && reachOf(this.current.session);
  }

  /** What is remembered of Redis; undefined while nothing can be read. */
  get remembered(): Remembered | undefined {
    return this.current && rememberedBy(this.current.session);
  }

  /** Resolves when the first attempt to connect has ended, successful or not. */
  async start(): Promise<void> {
    await this.#open();
    this.#running = Promise.all([this.#pollOn(), this.#renewOn(), this.#trackAgain()]);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#live?.session.end('stopping');
    await this.#running;
    this.#live?.session.end('stopping');
  }

  async #pollOn(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#pause(POLL_MS);
      const live = this.current;
      if (live !== undefined) await this.#poll(live.session);
    }
  }

  async #renewOn(): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !this.#stopping.signal.aborted; ) {
      const session = this.#live?.session;
      if (session?.isOpen) {
        pauseMs = FIRST_PAUSE_MS;
        await Promise.race([session.ended, this.#pause(CHANGE_POLL_MS)]);
        if (session.isOpen && (await session.change().catch(() => undefined)) === undefined) continue;
      }
      await this.#pause(pauseMs);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      if (!this.#stopping.signal.aborted) await this.#open();
    }
  }

  /** Keeps the connections that can be used, so that their masters are read all the while. */
  async #open(): Promise<void> {
    const before = this.#live?.session;
    try {
      const session = await CounterSession.open(this.#settings, before);
      this.#tellUntracked(
        session.masters.flatMap(({ tracking }) => (tracking instanceof Error ? [tracking] : [])),
      );
      await this.#poll(session, before);
      if (this.#live?.session === session) before?.replacedBy(session);
      else if (before === undefined) session.end('its generations cannot be read');
      else session.replacedBy(before);
    } catch (thrown) {
      this.#away(thrown); // Tried again.
    }
  }

  /** Reads generations and as-of together, so that no as-of of one generation stands beside another's counters. */
  async #poll(session: CounterSession, before = session): Promise<void> {
    try {
      const generations = await this.#generations.read(session);
      // Replies from memory contain then what as-of speaks of.
      await session.believe(generations.keys());
      // If it was replaced meanwhile, its generations belong to masters that nobody asks for any more.
      if (this.#live?.session !== before && this.#live !== undefined) return;
      this.#live = { session, generations, asOfMs: lowestOf(generations) };
      const [missing] = session.absent;
      if (missing !== undefined) this.#away(missing.reason);
      else if (session.isOpen) this.#watcher?.back();
    } catch (thrown) {
      this.#away(thrown); // Polled again, or opened if a master was lost.
    }
  }

  async #trackAgain(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#pause(TRACK_AGAIN_MS);
      const session = this.current?.session;
      if (session !== undefined) this.#tellUntracked(await session.trackAgain());
    }
  }

  /** Once for each reason. */
  #tellUntracked(reasons: readonly Error[]): void {
    for (const reason of reasons) {
      if (reason.message !== this.#untracked) this.#watcher?.untracked?.(reason);
      this.#untracked = reason.message;
    }
  }

  #away(reason: unknown): void {
    if (!this.#stopping.signal.aborted) this.#watcher?.away(reason);
  }

  #pause(pauseMs: number): Promise<void> {
    return sleep(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}

function lowestOf(generations: Generations): number | undefined {
  const times = [...generations.values()].map(({ asOfMs }) => asOfMs ?? Number.NEGATIVE_INFINITY);
  const lowest = Math.min(...times);
  return Number.isFinite(lowest) ? lowest : undefined;
}
