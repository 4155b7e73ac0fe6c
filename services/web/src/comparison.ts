import { percent } from './numbers.ts';

/** A figure compared with the previous period's, as two short lines. */
export interface Comparison {
  direction: 'up' | 'down' | 'same';
  /** `+12 %`, `−3.4 %`, `the same`, `no calls` */
  head: string;
  /** What it is compared with: `vs 7 days before` */
  rest: string;
}

/** @param before name of the previous period, such as `yesterday` or `7 days before` */
export function compare(figure: number, previous: number, before: string): Comparison {
  // "No calls 7 days before" would sound like a single day.
  if (previous === 0) {
    return {
      direction: 'same',
      head: 'no calls',
      rest: before.endsWith(' days before') ? `in the ${before}` : before,
    };
  }
  const change = (100 * (figure - previous)) / previous;
  const share = percent(Math.abs(change));
  if (share === undefined) {
    const head = figure === previous ? 'the same' : 'about the same';
    return { direction: 'same', head, rest: `as ${before}` };
  }
  return change > 0
    ? { direction: 'up', head: `+${share}`, rest: `vs ${before}` }
    : { direction: 'down', head: `−${share}`, rest: `vs ${before}` };
}
