import type { Call, Range } from '@calltally/domain';
import type { DashboardReading } from '../src/index.ts';
import { type Given, PARTITIONS } from './live.ts';
import { dashboardOracle } from './support.ts';

/** The figures of a dashboard that are sums over calls. */
export type Figures = readonly [calls: number, ms: number, today: number, week: number, month: number];

type Told = Pick<DashboardReading, 'range' | 'today' | 'thisWeek' | 'thisMonth'>;

export function figuresOf({ range, today, thisWeek, thisMonth }: Told): Figures {
  return [range.calls, range.durationMs, today, thisWeek, thisMonth];
}

/** How many of the calls came by each partition. */
export function byPartition(given: readonly Given[]): number[] {
  return PARTITIONS.map((partition) => given.filter((one) => one.partition === partition).length);
}

/**
 * Whether an answer is the sum of the first calls of one partition and the first calls of the other, any number of each. A
 * Redis that went back and catches up again counts each partition through an offset of its own.
 * @param least how many calls of each partition must be among them
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

/** As `isOfOneCut`, for any sums over calls. */
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
