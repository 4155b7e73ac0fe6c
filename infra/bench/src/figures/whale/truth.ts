import { dayOf, startOfDay, type Tally } from '@calltally/domain';

/** What a user has really done, by UTC day. */
export class Truth {
  readonly #days = new Map<number, Tally>();

  add({ startedAt, durationMs }: { startedAt: number; durationMs: number }): void {
    const day = dayOf(startedAt);
    const { calls, durationMs: before } = this.#days.get(day) ?? { calls: 0, durationMs: 0 };
    this.#days.set(day, { calls: calls + 1, durationMs: before + durationMs });
  }

  /**
   * Holds an answer against it whose range begins with a UTC day and ends after all that was added.
   * @param text the body
   * @throws Error where the answer says something else
   */
  check(text: string): void {
    const { date_range, total_calls, total_duration_minutes } = JSON.parse(text).data;
    const from = Date.parse(date_range.start_date);
    let calls = 0;
    let durationMs = 0;
    for (const [day, tally] of this.#days) {
      if (startOfDay(day) < from) continue;
      calls += tally.calls;
      durationMs += tally.durationMs;
    }
    // Of whole seconds, which are never in the middle of two hundredths of a minute.
    const minutes = Math.round(durationMs / 600) / 100;
    if (total_calls === calls && total_duration_minutes === minutes) return;
    throw new Error(
      `since ${date_range.start_date} ${calls} calls of ${minutes} minutes, answered with ${total_calls} of ${total_duration_minutes}`,
    );
  }
}
