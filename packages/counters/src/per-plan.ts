/** What is made of the segments of a plan on a UTC day, the same for every user. Plans are kept for a day (`KnownPlans`). */
export class PerPlan<T> {
  readonly #made = new WeakMap<readonly object[], { day: number; value: T }>();

  of(segments: readonly object[], day: number, make: () => T): T {
    const known = this.#made.get(segments);
    if (known?.day === day) return known.value;
    const value = make();
    this.#made.set(segments, { day, value });
    return value;
  }
}
