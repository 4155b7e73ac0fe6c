import { type Availability, dayOf, type Plan, planRange, type Range, startOfDay } from '@calltally/domain';

const PLANS_MAX = 500;

/** Plans of ranges of whole UTC days. Many users ask for the same ones, and each costs more than what it reads from memory. */
export class KnownPlans {
  readonly #plans = new Map<string, Readonly<Plan>>();

  /** As `planRange`. Of whole days, it may be a plan from before: it depends on the day of the last call, not on the moment. */
  planFor(range: Range, available: Omit<Availability, 'daysFrom'>): Readonly<Plan> {
    if (!isStartOfDay(range.from) || !isStartOfDay(range.until)) return planRange(range, available);
    const name = `${range.from} ${range.until} ${available.fromDay} ${dayOf(available.lastStartedAt)}`;
    const known = this.#plans.get(name);
    if (known !== undefined) return known;
    const plan = Object.freeze(planRange(range, available));
    for (const part of [plan.buckets, plan.edges]) Object.freeze(part);
    if (this.#plans.size >= PLANS_MAX) this.#plans.clear();
    this.#plans.set(name, plan);
    return plan;
  }
}

function isStartOfDay(ms: number): boolean {
  return ms === startOfDay(dayOf(ms));
}
