import { setTimeout as sleep } from 'node:timers/promises';
import {
  CounterSession,
  type CounterSessionOptions,
  requireSuitableRedis,
  SLOTS_MOVED,
} from '@calltally/counters';
import type { Logger } from '@calltally/telemetry';

interface Parts {
  counters: CounterSessionOptions;
  logger: Logger;
  stopping: AbortSignal;
}

/** How often a cluster is asked whether its masters have changed. */
const CHANGE_POLL_MS = 1_000;
/**
 * How long a session goes on after slots have moved. Their users are left out meanwhile. An operator moves thousands of
 * slots one by one, and with another session for each, nobody would be counted.
 */
const SLOTS_PAUSE_MS = 5_000;

/** Keeps one session with Redis, which goes on without masters that are away. */
export class CounterSessions {
  readonly #parts: Parts;
  readonly #changed: (session: CounterSession) => void;
  #session: CounterSession | undefined;
  /** A session whose cluster has changed since. */
  #outdated: CounterSession | undefined;
  #opening: Promise<CounterSession> | undefined;

  /** @param changed is told when a session should be replaced */
  constructor(parts: Parts, changed: (session: CounterSession) => void) {
    this.#parts = parts;
    this.#changed = changed;
  }

  /** Ends the session; once ingest is stopping. */
  close(): void {
    this.#session?.end('stopping');
  }

  /** Whether a session can be used further. `changed` is told only once that it cannot. */
  isPresent(session: CounterSession): boolean {
    return session.isOpen && session === this.#session && session !== this.#outdated;
  }

  /** The present session, or another one if a master was lost or the cluster has changed. @throws CountersError */
  async open(): Promise<CounterSession> {
    const present = this.#session;
    if (present?.isOpen && present !== this.#outdated && !(await hasChanged(present))) return present;
    // One for all who ask: nobody would end a second one.
    this.#opening ??= this.#openNewSession().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openNewSession(): Promise<CounterSession> {
    const { counters, logger, stopping } = this.#parts;
    const before = this.#session;
    const session = await CounterSession.open({ ...counters, allowsAbsentMasters: true }, before);
    before?.replacedBy(session);
    try {
      if (!(await requireSuitableRedis(session))) {
        logger.warn('cannot read the settings of Redis; make sure that maxmemory-policy is noeviction');
      }
    } catch (thrown) {
      session.end('refused');
      throw thrown;
    }
    this.#session = session;
    for (const { address, reason } of session.absent) {
      logger.warn({ err: reason, ...address }, 'a Redis master is away, going on without its users');
    }
    if (stopping.aborted) session.end('stopping');
    void this.#watch(session);
    return session;
  }

  /** Tells once when a master is lost or the cluster has changed. */
  async #watch(session: CounterSession): Promise<void> {
    const { logger, stopping } = this.#parts;
    for (let movedAtMs: number | undefined; ; ) {
      await Promise.race([session.ended, sleep(CHANGE_POLL_MS, undefined, { ref: false })]);
      const change = await session.change().catch(() => undefined);
      if (stopping.aborted || this.#session !== session) return;
      if (change === undefined) continue;
      if (change === SLOTS_MOVED) {
        movedAtMs ??= performance.now();
        if (performance.now() < movedAtMs + SLOTS_PAUSE_MS) continue;
      }
      logger.warn({ change }, 'opening another session with Redis');
      this.#outdated = session;
      this.#changed(session);
      return;
    }
  }
}

async function hasChanged(session: CounterSession): Promise<boolean> {
  return (await session.change().catch(() => undefined)) !== undefined;
}
