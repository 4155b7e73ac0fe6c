import type { OracleDimension, OracleFilter, OracleRange } from './oracle.ts';
import { ORACLE_PERIODS, periodAt } from './oracle-periods.ts';
import type { Chance } from './random.ts';
import { ASKED_LABELS } from './traffic.ts';

const DAY_MS = 86_400_000;
const OFFSETS = ['Z', 'z', '+00:00', '-00:00', '+02:00', '-05:30', '+14:00', '+0530', '-08', ''];

const DIMENSIONS: readonly OracleDimension[] = ['agent', 'direction', 'status'];

/** A date as a client may write it, with the first and the last millisecond that it means. */
interface WrittenDate {
  text: string;
  first: number;
  last: number;
}

/** A query for /analytics/dashboard, and the range that it means. */
export interface WrittenRange extends OracleRange {
  query: string;
}

/** Random ranges with dates of every precision and UTC offset. */
export function randomRange(chance: Chance, earliestMs: number, nowMs: number): WrittenRange {
  for (;;) {
    const start = randomDate(chance, earliestMs, nowMs);
    const end = randomDate(chance, earliestMs, nowMs);
    const kind = chance.next();
    const parameters = new URLSearchParams();
    let range: OracleRange;
    if (kind < 0.1) {
      range = { from: startBefore(nowMs), until: nowMs + 1 };
    } else if (kind < 0.2) {
      parameters.set('start_date', start.text);
      range = { from: start.first, until: nowMs + 1 };
    } else if (kind < 0.3) {
      parameters.set('end_date', end.text);
      range = { from: startBefore(end.last), until: end.last + 1 };
    } else {
      parameters.set('start_date', start.text);
      parameters.set('end_date', end.text);
      range = { from: start.first, until: end.last + 1 };
    }
    if (range.from >= range.until) continue;
    // Some clients forget to escape a plus; it then arrives as a space.
    const query = chance.chance(0.2) ? `${parameters}`.replaceAll('%2B', '+') : `${parameters}`;
    return { ...range, query };
  }
}

/** A range by its name. */
export function randomPeriod(chance: Chance, nowMs: number): WrittenRange {
  const period = chance.pick(ORACLE_PERIODS);
  return { query: `period=${period}`, ...periodAt(period, nowMs).range };
}

/** What most dashboards ask for: the default window, or whole past days. Counters alone can answer it. */
export function wholeDays(chance: Chance, nowMs: number): WrittenRange {
  if (chance.chance(0.5)) return { query: '', from: startBefore(nowMs), until: nowMs + 1 };
  const until = nowMs - (nowMs % DAY_MS) - chance.int(0, 20) * DAY_MS;
  const from = until - chance.int(1, 300) * DAY_MS;
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  return { query: `start_date=${day(from)}&end_date=${day(until - 1)}`, from, until };
}

/**
 * As `wholeDays`, for answers by cell: the default window, whole days of the last weeks, or whole months. Of older days
 * counters have no sums by cell.
 */
export function wholeDaysOfCells(chance: Chance, nowMs: number): WrittenRange {
  const kind = chance.next();
  if (kind < 0.4) return { query: '', from: startBefore(nowMs), until: nowMs + 1 };
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  const midnight = nowMs - (nowMs % DAY_MS);
  const now = new Date(nowMs);
  const months = chance.int(1, 12);
  const [from, until] =
    kind < 0.7
      ? [midnight - chance.int(31, 60) * DAY_MS, midnight - chance.int(0, 30) * DAY_MS]
      : [
          Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1),
          Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - chance.int(0, months - 1), 1),
        ];
  return { query: `start_date=${day(from)}&end_date=${day(until - 1)}`, from, until };
}

/** A filter by some of the labels that calls have, in any spelling, and by others. */
export function randomFilter(chance: Chance): OracleFilter {
  const filter: Partial<Record<OracleDimension, string[]>> = {};
  for (const dimension of DIMENSIONS) {
    if (!chance.chance(0.4)) continue;
    filter[dimension] = Array.from({ length: chance.int(1, 3) }, () => chance.pick(ASKED_LABELS[dimension]));
  }
  return filter;
}

/** One to three of the dimensions, in any order. */
export function randomBy(chance: Chance): OracleDimension[] {
  return chance.shuffle(DIMENSIONS).slice(0, chance.pick([1, 1, 1, 2, 2, 3]));
}

/** A range that starts and ends in the middle of past days, so both edges need rows. */
export function cutDays(chance: Chance, nowMs: number): WrittenRange {
  const midnight = nowMs - (nowMs % DAY_MS);
  const within = (days: number) => midnight - days * DAY_MS + chance.int(1, DAY_MS - 2);
  const [from, end] = [within(chance.int(11, 200)), within(chance.int(1, 10))];
  const last = end % 1_000 === 0 ? end + 999 : end;
  const text = (ms: number) => new Date(ms).toISOString();
  return { query: `start_date=${text(from)}&end_date=${text(end)}`, from, until: last + 1 };
}

/** Start of the UTC day 30 days before the day of an instant. */
function startBefore(ms: number): number {
  const day = new Date(ms);
  return Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate() - 30);
}

function randomDate(chance: Chance, earliestMs: number, latestMs: number): WrittenDate {
  let instant = chance.int(earliestMs, latestMs);
  if (chance.chance(0.3)) instant -= instant % DAY_MS;
  if (chance.chance(0.1)) instant = instant - (instant % DAY_MS) + DAY_MS - 1;
  if (chance.chance(0.1)) instant -= instant % 1_000;
  const precision = chance.pick([
    'day',
    'minute',
    'second',
    'tenth',
    'hundredth',
    'millisecond',
    'microsecond',
  ] as const);
  const offset = precision === 'day' ? '' : chance.pick(OFFSETS);
  const local = new Date(instant + offsetMs(offset)).toISOString();
  const at = (length: number, suffix = '') => local.slice(0, length) + suffix + offset;
  const written = (text: string, widthMs: number): WrittenDate => {
    const first = instant - (((instant % widthMs) + widthMs) % widthMs);
    // A fraction of only zeros counts as no fraction: the date means the whole second.
    const isWhole = /[.,]0+(?!\d)/.test(text);
    return { text, first, last: first + (isWhole ? 1_000 : widthMs) - 1 };
  };
  switch (precision) {
    case 'day':
      return written(local.slice(0, 10), DAY_MS);
    case 'minute':
      return written(at(16), 60_000);
    case 'second':
      return written(at(19), 1_000);
    case 'tenth':
      return written(at(21), 100);
    case 'hundredth':
      return written(at(22), 10);
    case 'millisecond':
      return written(at(23), 1);
    case 'microsecond':
      // Half a millisecond later: a start excludes the calls of this millisecond, an end includes them.
      return { text: at(23, '500'), first: instant + 1, last: instant };
  }
}

function offsetMs(offset: string): number {
  const match = /^([+-])(\d\d):?(\d\d)?$/.exec(offset);
  if (match === null) return 0;
  return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3] ?? 0)) * 60_000;
}
