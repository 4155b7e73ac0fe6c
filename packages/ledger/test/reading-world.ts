import type { CallVersion } from '@calltally/domain';
import type { Test } from '@calltally/stack/testing';
import { toRow } from '@calltally/store';
import fc from 'fast-check';
import { fillUntilComplete, recordBatch, startEpoch, writeCheckpoint } from '../src/index.ts';
import { batchOf, callOf, DAY_MS, testReader, testWorld, until, type World } from './support.ts';

/** Short, so that much of what is asked for was kept no longer. */
export const RETENTION_MONTHS = 3;
/** How many days the calls of a reader's test are spread over. */
export const SPAN_DAYS = 160;

/** Start of the UTC day that contains an instant; both epoch ms. */
export const startOf = (ms: number) => Math.floor(ms / DAY_MS) * DAY_MS;

/** Generators of what readers are asked: often near midnight, now, or ahead of the clock; all epoch ms. */
export function readArbitraries(nowMs: number) {
  return {
    someTime: fc.oneof(
      fc.integer({ min: nowMs - SPAN_DAYS * DAY_MS, max: nowMs + 2 * DAY_MS }),
      fc.integer({ min: nowMs - 3 * DAY_MS, max: nowMs + DAY_MS }),
      fc
        .tuple(fc.integer({ min: 0, max: SPAN_DAYS }), fc.constantFrom(-1, 0, 1))
        .map(([ago, off]) => startOf(nowMs - ago * DAY_MS) + off),
    ),
    cold: fc.integer({ min: 0, max: 4 }).map((die) => die === 0),
    clock: fc.oneof(fc.constant(nowMs), fc.integer({ min: nowMs - 2 * DAY_MS, max: nowMs + DAY_MS })),
  };
}

/** An epoch that reads two partitions from their beginning. */
export async function begin(
  { store, open }: World,
  keeps: { retentionMonths?: number; cellsMax?: number } = {},
) {
  const states = [0, 1].map((partition) => ({ partition, committed: 0, earliest: 0, end: 1e9 }));
  const topic = { topicEpoch: 0, partitions: states, retentionMonths: RETENTION_MONTHS, ...keeps };
  return (await startEpoch(store, await open(), topic)).ledger;
}

/** A world of two partitions, with readers linked to Redis and a function that counts calls. */
export async function readingWorld(t: Test, keeps: { retentionMonths?: number; cellsMax?: number } = {}) {
  const world = await testWorld(t);
  const { store } = world;
  const ledger = await begin(world, keeps);
  const offsets = [0, 0];

  /** Counts calls as ingest does, alternating between the partitions, and fills the users. */
  async function count(calls: readonly CallVersion[]): Promise<void> {
    for (const partition of [0, 1]) {
      const mine = calls.filter((_, i) => i % 2 === partition);
      const events = mine.map((call) => ({ offset: offsets[partition]!++, call }));
      if (events.length > 0) await recordBatch(ledger, batchOf(partition, events));
      const asOfMs = 1_000 + offsets[0]! + offsets[1]!;
      await writeCheckpoint(ledger, {
        partition: `0:${partition}`,
        through: offsets[partition]! - 1,
        asOfMs,
      });
      await store.progress.advanceAsOf(0, [partition], asOfMs);
    }
    await fillUntilComplete(ledger, [...new Set(calls.map(({ userId }) => userId))]);
  }

  /**
   * Calls of `u-cut` around a day: some are counted, the others have rows that are not applied.
   * @returns `count` applies these
   */
  async function halfCounted(day: number) {
    const at = (offset: number) => callOf('u-cut', { startedAt: day + offset });
    const counted = [at(10), at(20), at(DAY_MS - 10), at(DAY_MS + 10)];
    await count(counted);
    const late = [at(11), at(21), at(DAY_MS - 11), at(DAY_MS + 11)];
    const rows = late.map((call, i) => ({ call, partition: i % 2, offset: offsets[i % 2]!++ }));
    await store.calls.insert(
      rows.map(({ call, partition, offset }) => toRow(call, { stream: 0, partition, offset })),
    );
    return {
      counted,
      late,
      async count() {
        for (const partition of [0, 1]) {
          const events = rows.filter((row) => row.partition === partition);
          await recordBatch(ledger, batchOf(partition, events));
        }
      },
    };
  }

  const readers = await testReader(t, world);
  await until(
    () => readers.link.current?.generations.size,
    (size) => size === 1,
  );
  return { world, ledger, store, offsets, count, halfCounted, ...readers };
}
