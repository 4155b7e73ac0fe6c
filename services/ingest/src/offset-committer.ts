import type { Logger } from '@calltally/telemetry';
import type { EachBatchPayload } from 'kafkajs';
import { Backoff, settledWithin } from './waiting.ts';

type Commit = EachBatchPayload['commitOffsetsIfNecessary'];

const SETTLED_WITHIN_MS = 2_000;

/**
 * Commits offsets behind the batches, one request at a time for all partitions that wait: kafkajs sends one after
 * another, and a fetch waits for every batch of the one before. A commit only says what need not come again, so one
 * that is late, fails or is forgotten makes events come again, which changes nothing.
 */
export class OffsetCommitter {
  readonly #topic: string;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  #waiting = new Map<number, string>();
  /** Of the batch that came last: another life of the consumer has another one. */
  #commit: Commit | undefined;
  #assignment = 0;
  #committing: Promise<void> | undefined;

  constructor(topic: string, logger: Logger) {
    this.#topic = topic;
    this.#logger = logger;
  }

  /**
   * @param offset of the next event; everything below it is counted and marked
   * @param commit of the batch at hand, for the group's present generation
   */
  enqueue(partition: number, offset: string, commit: Commit): void {
    this.#waiting.set(partition, offset);
    this.#commit = commit;
    this.#committing ??= this.#commitAll().finally(() => {
      this.#committing = undefined;
    });
  }

  /** Other partitions are assigned; those of the older assignment are not ours to commit. */
  forget(): void {
    this.#waiting.clear();
    this.#assignment += 1;
  }

  /** Resolves when everything noted is committed or forgotten, or after two seconds. Never rejects. */
  async settled(): Promise<void> {
    await settledWithin(SETTLED_WITHIN_MS, this.#committing);
  }

  stop(): void {
    this.forget();
    this.#stopping.abort();
  }

  async #commitAll(): Promise<void> {
    const backoff = new Backoff();
    while (this.#waiting.size > 0 && !this.#stopping.signal.aborted) {
      const taken = this.#waiting;
      const assignment = this.#assignment;
      this.#waiting = new Map();
      try {
        const partitions = [...taken].map(([partition, offset]) => ({ partition, offset }));
        await this.#commit?.({ topics: [{ topic: this.#topic, partitions }] });
      } catch (thrown) {
        this.#logger.debug({ err: thrown }, 'offset commit failed, retrying');
        if (assignment === this.#assignment) this.#waiting = new Map([...taken, ...this.#waiting]);
        await backoff.pause(this.#stopping.signal);
      }
    }
  }
}
