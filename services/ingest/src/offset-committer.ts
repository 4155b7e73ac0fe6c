import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@calltally/telemetry';
import type { EachBatchPayload } from 'kafkajs';
import pTimeout from 'p-timeout';
import { Backoff } from './backoff.ts';

type Commit = EachBatchPayload['commitOffsetsIfNecessary'];

const SETTLED_WITHIN_MS = 2_000;
/** From one request to the next. Small batches come every few ms, and a commit for each costs the broker more than they do. */
const EVERY_MS = 50;

/**
 * Commits offsets behind the batches: one request at a time, for all partitions that wait. kafkajs sends commits one
 * after another, and fetches only after every batch has ended. A commit only says what need not come again. If it is
 * late, fails or is forgotten, events come again, which changes nothing.
 */
export class OffsetCommitter {
  readonly #topic: string;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  #waiting = new Map<number, string>();
  /** Of the latest batch: kafkajs gives another one after it has restarted. */
  #commit: Commit | undefined;
  #assignment = 0;
  #requests = 0;
  #nextAtMs = 0;
  #committing: Promise<void> | undefined;

  constructor(topic: string, logger: Logger) {
    this.#topic = topic;
    this.#logger = logger;
  }

  /**
   * @param offset of the next event; everything below it is counted and has its checkpoint
   * @param commit of the current batch, for the present generation of the group
   */
  enqueue(partition: number, offset: string, commit: Commit): void {
    this.#waiting.set(partition, offset);
    this.#commit = commit;
    this.#committing ??= this.#commitAll().finally(() => {
      this.#committing = undefined;
    });
  }

  /** The number of the latest request while commits are under way. Each ends or fails, and another follows. */
  get underWay(): number | undefined {
    return this.#committing && this.#requests;
  }

  /** On a new assignment: offsets of the older one are not ours to commit. */
  forget(): void {
    this.#waiting.clear();
    this.#assignment += 1;
  }

  /** Resolves when all offsets are committed or forgotten, or after two seconds. Never rejects. */
  async settled(): Promise<void> {
    if (this.#committing === undefined) return;
    await pTimeout(this.#committing, { milliseconds: SETTLED_WITHIN_MS, message: false });
  }

  stop(): void {
    this.forget();
    this.#stopping.abort();
  }

  async #commitAll(): Promise<void> {
    const backoff = new Backoff();
    const { signal } = this.#stopping;
    while (this.#waiting.size > 0 && !signal.aborted) {
      const earlyMs = this.#nextAtMs - performance.now();
      if (earlyMs > 0) {
        await sleep(earlyMs, undefined, { signal }).catch(() => {});
        continue;
      }
      this.#nextAtMs = performance.now() + EVERY_MS;
      const taken = this.#waiting;
      const assignment = this.#assignment;
      this.#waiting = new Map();
      this.#requests += 1;
      try {
        const partitions = [...taken].map(([partition, offset]) => ({ partition, offset }));
        await this.#commit?.({ topics: [{ topic: this.#topic, partitions }] });
      } catch (thrown) {
        this.#logger.debug({ err: thrown }, 'offset commit failed, retrying');
        if (assignment === this.#assignment) this.#waiting = new Map([...taken, ...this.#waiting]);
        await backoff.pause(signal);
      }
    }
  }
}
