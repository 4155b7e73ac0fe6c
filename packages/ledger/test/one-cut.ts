import type { Call, Range } from '@calltally/domain';
import type { DashboardReading } from '../src/index.ts';
import { type Given, PARTITIONS } from './live.ts';
import { dashboardOracle } from './support.ts';

/** What a dashboard says, as numbers that add up over calls. */
export type Figures = readonly [calls: number, ms: number, today: number, week: number, month: number];

type Told = Pick<DashboardReading, 'range' | 'today' | 'thisWeek' | 'thisMonth'>;

export function figuresOf({ range, today, thisWeek, thisMonth }: Told): Figures {
  return [range.calls, range.durationMs, today, thisWeek, thisMonth];
}

/** How many of some calls came by each partition. */
export function byPartition(given: readonly Given[]): number[] {
  return PARTITIONS.map((partition) => given.filter((one) => one.partition === partition).length);
}

/**
 * Whether an answer is the sum of some first calls of one partition and some first calls of the other one: a Redis that
 * went back, and is brought forward again, counts each of them through an offset of its own.
 * @param least calls that have to be among them, of each partition
 */
export function isOfOneCut(
  answer: Figures,
  given: readonly Given[],
  least: readonly number[],
  range: Range,
  nowMs: number,
): boolean {
  return isSumOfOneCut(answer, given, least, (call) => figuresOf(dashboardOracle([call], range, nowMs)));
}

/** As `isOfOneCut`, for any numbers that add up over calls. */
export function isSumOfOneCut(
  answer: readonly number[],
  given: readonly Given[],
  least: readonly number[],
  figuresOfOne: (call: Call) => readonly number[],
): boolean {
  const [some, others] = PARTITIONS.map((partition) => {
    let sum: readonly number[] = answer.map(() => 0);
    const sums = [sum];
    for (const { call } of given.filter((one) => one.partition === partition)) {
      const one = figuresOfOne(call);
      sum = sum.map((number, i) => number + one[i]!);
      sums.push(sum);
    }
    return sums.slice(least[partition]);
  });
  const rests = new Set(others!.map(String));
  return some!.some((sum) => rests.has(String(answer.map((number, i) => number - sum[i]!))));
}
