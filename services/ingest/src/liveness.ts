import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@calltally/telemetry';
import { ProgressWatch, type Work } from './progress-watch.ts';

/** Longer than any attempt at a batch takes: every call of a store and of a broker has a limit of its own. */
const LIMIT_MS = 300_000;
const LOOKS_PER_LIMIT = 30;

interface Parts {
  /** What is under way. @see Work */
  work(): Promise<Work>;
  /** Whether brokers and stores would answer a fresh process. Resolves within a time limit, and never rejects. */
  doEnginesAnswer(): Promise<boolean>;
  logger: Logger;
  stopping: AbortSignal;
  /** Default: five minutes. */
  limitMs?: number | undefined;
}

/**
 * Tells when this process makes no progress although brokers and stores answer, so that a supervisor starts another one.
 * Asks them nothing while work goes on.
 */
export class Liveness {
  readonly #parts: Parts;
  readonly #limitMs: number;
  readonly #watch: ProgressWatch;
  #stuck: readonly string[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#limitMs = parts.limitMs ?? LIMIT_MS;
    this.#watch = new ProgressWatch(this.#limitMs);
  }

  /** What makes no progress; empty while all is well, or while something is away. */
  get stuck(): readonly string[] {
    return this.#stuck;
  }

  /** Resolves once ingest is stopping. Never rejects. */
  async run(): Promise<void> {
    const { stopping, logger } = this.#parts;
    while (!stopping.aborted) {
      await sleep(this.#limitMs / LOOKS_PER_LIMIT, undefined, { signal: stopping }).catch(() => {});
      await this.#look().catch((thrown) =>
        logger.error({ err: thrown }, 'cannot watch the progress, retrying'),
      );
    }
  }

  async #look(): Promise<void> {
    const { work, doEnginesAnswer, logger, stopping } = this.#parts;
    const isStanding = this.#watch.look(await work(), performance.now());
    const doAnswer = isStanding && (await doEnginesAnswer());
    const nowMs = performance.now();
    this.#watch.answered(doAnswer, nowMs);
    const stuck = this.#watch.stuck(nowMs);
    if (stopping.aborted) return;
    if (stuck.length > 0 && this.#stuck.length === 0) {
      logger.error(
        { stuck },
        'no progress although Kafka, Mongo and Redis answer; /healthz asks for a restart',
      );
    }
    this.#stuck = stuck;
  }
}
