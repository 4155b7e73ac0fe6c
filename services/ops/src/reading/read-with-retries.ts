import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import type { OffsetRange } from './cursor.ts';
import { type ReadOptions, readOffsetRanges } from './read-offset-ranges.ts';

export interface RetryingReadOptions extends ReadOptions {
  /** Resolves when everything that was taken is recorded. */
  settle?(): Promise<void>;
  /** The last offset of a partition that was recorded; undefined before the first. */
  through(partition: number): number | undefined;
  /** @param done offsets of the ranges that need no more reading */
  onProgress?(done: number): void;
}

/** Attempts in a row that may fail without one event more. Each one is patient by itself. */
const ATTEMPTS = 5;
const PAUSE_MS = 1_000;

/**
 * Reads ranges of offsets. When Kafka is away, it goes on behind what is recorded. Each attempt has a group of its own,
 * whose name begins with `groupId`.
 *
 * @throws what `take` and `settle` throw, errors of kafkajs, CommandError TOPIC_SILENT
 */
export async function readWithRetries(kafka: Kafka, options: RetryingReadOptions): Promise<void> {
  const { ranges, signal, groupId } = options;
  const startOf = ({ partition, from, until }: OffsetRange) =>
    Math.min(Math.max(from, (options.through(partition) ?? -1) + 1), until);
  let recorded = 0;
  // Not p-retry: it counts the attempts of a whole run, and a long run may outlive any number of outages.
  for (let attempt = 1; ; attempt++) {
    let done = recorded;
    try {
      await readOffsetRanges(kafka, {
        ...options,
        groupId: `${groupId}.${randomUUID()}`,
        ranges: ranges.map((range) => ({ ...range, from: startOf(range) })),
        onSettled(offsets, partition, next) {
          done += offsets;
          options.onSettled?.(offsets, partition, next);
          options.onProgress?.(done);
        },
      });
      return await options.settle?.();
    } catch (thrown) {
      await options.settle?.();
      const before = recorded;
      recorded = ranges.reduce((sum, range) => sum + startOf(range) - range.from, 0);
      if (recorded > before) attempt = 1;
      const isKafkaAway = thrown instanceof Error && thrown.name.startsWith('KafkaJS');
      if (!isKafkaAway || attempt === ATTEMPTS) throw thrown;
    }
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => {});
  }
}
