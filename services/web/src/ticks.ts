import type { SeriesInterval } from '@calltally/domain';
import type { Bar } from './bars.ts';
import { monthOfDay, shortDay } from './days.ts';

/** A label of the axis below a bar. */
export interface Tick {
  index: number;
  text: string;
}

/** Room for a label, in pixels. */
const WIDTH: Readonly<Record<SeriesInterval, number>> = { hour: 62, day: 68, week: 68, month: 84 };
/** Distances between labelled bars: a week of days or a year of months reads better than five of them. */
const STEPS: Readonly<Record<SeriesInterval, readonly number[]>> = {
  hour: [1, 2, 3, 6, 12, 24, 48, 96],
  day: [1, 2, 7, 14, 28],
  week: [1, 2, 4, 13, 26],
  month: [1, 2, 3, 6, 12, 24, 36, 60],
};
const HOURS_PER_DAY = 24;

/** The bars with a label, as many as there is room for. @param step from one bar to the next, in pixels */
export function ticksOf(bars: readonly Bar[], interval: SeriesInterval, step: number): Tick[] {
  const least = Math.ceil(WIDTH[interval] / step);
  const every = STEPS[interval].find((steps) => steps >= least) ?? least;
  if (interval === 'hour') return ticksOfHours(bars, every);
  // From the last one back.
  const labelled = [...bars.keys()].filter((index) => (bars.length - 1 - index) % every === 0);
  const textOf = interval === 'month' ? monthOfDay : shortDay;
  return labelled.map((index) => ({ index, text: textOf(bars[index]!.day) }));
}

/** By the clock, so that days of 23 and 25 hours have their labels where others do. A day's first hour has its date. */
function ticksOfHours(bars: readonly Bar[], every: number): Tick[] {
  const last = bars.at(-1)?.day ?? 0;
  return bars.flatMap(({ day, time = '' }, index) => {
    const before = bars[index - 1];
    if (before?.day !== day) {
      const isLabelled = (last - day) % Math.max(1, every / HOURS_PER_DAY) === 0;
      return isLabelled ? [{ index, text: shortDay(day) }] : [];
    }
    const [hour, minute] = time.split(':').map(Number) as [number, number];
    const isLabelled = hour % every === 0 && minute === 0 && before.time !== time;
    return hour > 0 && isLabelled ? [{ index, text: time }] : [];
  });
}
