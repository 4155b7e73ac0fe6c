import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import type { OffsetRange } from './cursor.ts';
import { type ReadOptions, readOffsetRanges } from './read-offset-ranges.ts';

export interface RetryingReadOptions extends ReadOptions {
  /** Resolves when all that was taken is dealt with. */
  settle?(): Promise<void>;
  /** The last offset of a partition that was dealt with; undefined before the first. */
  through(partition: number): number | undefined;
  /** @param done offsets of the spans that need no more reading */
  onProgress?(done: number): void;
}

/** Readings in a row that may fail without a single event more; each one is patient by itself. */
const READS = 5;
const BETWEEN_READS_MS = 1_000;

/**
 * Reads spans, and reads on behind what is dealt with when Kafka was away, a bounded number of times without getting
 * any further. Each attempt has a group of its own, whose name begins with `groupId`.
 *
 * @throws what `take` and `settle` throw, errors of kafkajs, CommandError TOPIC_SILENT
 */
export async function readWithRetries(kafka: Kafka, reading: RetryingReadOptions): Promise<void> {
  const { spans, signal, groupId } = reading;
  let left = spans;
  let behind = 0;
  for (let attempt = 1; ; attempt++) {
    let done = behind;
    try {
      await readOffsetRanges(kafka, {
        ...reading,
        groupId: `${groupId}.${randomUUID()}`,
        spans: left,
        onSettled(offsets, partition, next) {
          done += offsets;
          reading.onSettled?.(offsets, partition, next);
          reading.onProgress?.(done);
        },
      });
      return await reading.settle?.();
    } catch (thrown) {
      await reading.settle?.();
      const before = behind;
      left = spans
        .map((span) => ({ ...span, from: startOf(span, reading.through(span.partition)) }))
        .filter(({ from, until }) => from < until);
      behind = spans.reduce(
        (sum, span) => sum + startOf(span, reading.through(span.partition)) - span.from,
        0,
      );
      if (behind > before) attempt = 1;
      if (!isKafkaAway(thrown) || attempt === READS) throw thrown;
    }
    await sleep(BETWEEN_READS_MS, undefined, { signal }).catch(() => {});
  }
}

function startOf({ from, until }: OffsetRange, through = -1): number {
  return Math.min(Math.max(from, through + 1), until);
}

function isKafkaAway(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name.startsWith('KafkaJS');
}
