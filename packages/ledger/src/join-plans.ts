import type { PlanOfRange } from './read-by-plan.ts';

/** A range and the one that it is compared with, if any. */
export function withPrevious<T>(one: T, previous: T | undefined): T[] {
  return previous === undefined ? [one] : [one, previous];
}

/** Plans of several ranges that are read as one, so that all answers are of the same moment. */
export interface JoinedPlans<P extends PlanOfRange> extends PlanOfRange {
  plans: readonly P[];
}

export function joinPlans<P extends PlanOfRange>(plans: readonly P[]): JoinedPlans<P> {
  return {
    plans,
    edges: plans.flatMap(({ edges }) => edges),
    trustsLastStartedAt: plans.some(({ trustsLastStartedAt }) => trustsLastStartedAt),
  };
}

/** What was read of all plans together, for each plan: as many values as it has parts. */
export function forEachPlan<P, T>(
  plans: readonly P[],
  partsOf: (plan: P) => readonly unknown[],
  values: readonly T[],
): T[][] {
  let end = 0;
  return plans.map((plan) => {
    const first = end;
    end += partsOf(plan).length;
    return values.slice(first, end);
  });
}
