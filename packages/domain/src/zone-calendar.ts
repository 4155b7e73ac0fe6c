import { Temporal } from 'temporal-polyfill';
import { formatDay } from './instants.ts';
import { firstDayOfMonth, firstDayOfWeek, monthOf, startOfDay, weekOf } from './periods.ts';
import type { Range } from './range.ts';
import type { Interval, SeriesInterval } from './series.ts';
import { timeZoneNamed } from './time-zones.ts';
import { formatZoned } from './zoned-instants.ts';

/** A bucket of a series in a time zone: its bounds, and how its start is shown. */
export interface ZoneBucket extends Range {
  /** Of an hour RFC 3339 with its offset, of a day, week or month the first local date. */
  start: string;
}

const HOUR_MS = 3_600_000;

const CALENDARS_MAX = 64;
/** More than the buckets of an answer. */
const DAYS_MAX = 2_048;
const DAYS_OF_HOURS_MAX = 64;

/**
 * Days, weeks, months and hours as the clocks of one time zone show them. Local days are numbered like UTC days, by their
 * date: day 0 is 1970-01-01, and periods.ts says which week and month they are of.
 *
 * A day begins when its date is first shown. Where clocks went back over midnight, what they showed of the day before is
 * in the new day. A date that was skipped has no instant: it begins when the next one does.
 */
export class ZoneCalendar {
  readonly #starts = new Map<number, number>();
  readonly #hours = new Map<number, readonly ZoneBucket[]>();

  constructor(readonly timeZone: string) {}

  /** The local day that holds an instant, epoch ms. */
  dayAt(ms: number): number {
    const { year, month, day } = this.#at(ms);
    let number = firstDayOfMonth((year - 1970) * 12 + month - 1) + day - 1;
    while (this.startOfDay(number + 1) <= ms) number++;
    return number;
  }

  /** First instant of a local day, epoch ms. */
  startOfDay(day: number): number {
    return remembered(this.#starts, DAYS_MAX, day, () => {
      return dateOf(day).toZonedDateTime(this.timeZone).epochMilliseconds;
    });
  }

  /** The local day, ISO week and calendar month that hold an instant. */
  periodsAt(ms: number): Record<Interval, Range> {
    const day = this.dayAt(ms);
    return {
      day: this.#days(day, day + 1),
      week: this.#days(firstDayOfWeek(weekOf(day)), firstDayOfWeek(weekOf(day) + 1)),
      month: this.#days(firstDayOfMonth(monthOf(day)), firstDayOfMonth(monthOf(day) + 1)),
    };
  }

  /**
   * The hour that holds an instant. Hours begin where the clocks show a full hour, and where they are changed: one that they
   * show twice is two, and those around a change of half an hour may be shorter.
   */
  hourAt(ms: number): ZoneBucket {
    return this.#hoursOf(this.dayAt(ms)).find(({ until }) => until > ms)!;
  }

  /** The buckets that a range of at least one millisecond touches, in order, without gaps; the outer two in full. */
  buckets(range: Range, interval: SeriesInterval): ZoneBucket[] {
    const first = this.dayAt(range.from);
    const last = this.dayAt(range.until - 1);
    if (interval === 'hour') {
      const touched = ({ from, until }: Range) => until > range.from && from < range.until;
      return numbers(first, last).flatMap((day) => this.#hoursOf(day).filter(touched));
    }
    const [periodOf, firstDayOf] = PERIODS[interval];
    return numbers(periodOf(first), periodOf(last))
      .map((period) => ({
        ...this.#days(firstDayOf(period), firstDayOf(period + 1)),
        start: formatDay(firstDayOf(period)),
      }))
      .filter(({ from, until }) => from < until);
  }

  /** The instant, epoch ms, at which the clocks show a local time, `compatible` as in Temporal. @param localMs as if UTC */
  instantOf(localMs: number): number {
    return localTimeOf(localMs).toZonedDateTime(this.timeZone, { disambiguation: 'compatible' })
      .epochMilliseconds;
  }

  #days(first: number, end: number): Range {
    return { from: this.startOfDay(first), until: this.startOfDay(end) };
  }

  #hoursOf(day: number): readonly ZoneBucket[] {
    return remembered(this.#hours, DAYS_OF_HOURS_MAX, day, () => {
      const { from, until } = this.#days(day, day + 1);
      const hours: ZoneBucket[] = [];
      let change = this.#changeAfter(from);
      for (let at = from; at < until; at = hours.at(-1)!.until) {
        if (at >= change) change = this.#changeAfter(at);
        const { minute, second, millisecond } = this.#at(at);
        const full = at + HOUR_MS - (minute * 60 + second) * 1000 - millisecond;
        hours.push({ from: at, until: Math.min(full, change, until), start: formatZoned(at, this.timeZone) });
      }
      return hours;
    });
  }

  #changeAfter(ms: number): number {
    return this.#at(ms).getTimeZoneTransition('next')?.epochMilliseconds ?? Infinity;
  }

  #at(ms: number): Temporal.ZonedDateTime {
    return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(this.timeZone);
  }
}

const calendars = new Map<string, ZoneCalendar>();

/**
 * The calendar of a zone, with what it has worked out before.
 * @param timeZone as `timeZoneNamed` gives it
 */
export function zoneCalendar(timeZone: string): ZoneCalendar {
  return remembered(calendars, CALENDARS_MAX, timeZone, () => {
    if (timeZoneNamed(timeZone) !== timeZone) throw new RangeError(`${timeZone} is no time zone`);
    return new ZoneCalendar(timeZone);
  });
}

const PERIODS = {
  day: [(day: number) => day, (day: number) => day],
  week: [weekOf, firstDayOfWeek],
  month: [monthOf, firstDayOfMonth],
} as const;

function localTimeOf(ms: number): Temporal.PlainDateTime {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO('UTC').toPlainDateTime();
}

function dateOf(day: number): Temporal.PlainDate {
  return localTimeOf(startOfDay(day)).toPlainDate();
}

/** A value that is made once, unless it was among the oldest since. */
function remembered<K, V>(values: Map<K, V>, most: number, key: K, make: () => V): V {
  const known = values.get(key);
  if (known !== undefined) return known;
  const value = make();
  if (values.size >= most) values.delete(values.keys().next().value!);
  values.set(key, value);
  return value;
}

function numbers(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
