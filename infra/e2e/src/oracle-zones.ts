/*
 * What clocks show in a time zone, by Intl.DateTimeFormat alone: the oracle never computes where a day begins, it asks for each
 * call what day it is. For zones that change their clocks at full hours.
 */

export type OracleZoneInterval = 'hour' | 'day' | 'week' | 'month';

/** All that clocks show but minutes holds for a quarter of an hour, as long as clocks change at full hours. */
const QUARTER_MS = 900_000;
const STEP_MS = { hour: QUARTER_MS, day: 6 * 3_600_000, week: 6 * 3_600_000, month: 6 * 3_600_000 } as const;

const formats = new Map<string, Intl.DateTimeFormat>();

const shown = new Map<string, Record<string, string>>();

function shownAt(zone: string, ms: number): Record<string, string> {
  const quarter = Math.floor(ms / QUARTER_MS);
  const known = shown.get(`${quarter} ${zone}`) ?? askIntl(zone, quarter * QUARTER_MS);
  shown.set(`${quarter} ${zone}`, known);
  return known;
}

function askIntl(zone: string, ms: number): Record<string, string> {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      timeZoneName: 'longOffset',
    });
    formats.set(zone, format);
  }
  return Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
}

/** How the start of the bucket that holds an instant is shown. */
export function zoneStart(interval: OracleZoneInterval, zone: string, ms: number): string {
  const { year, month, day, hour, timeZoneName = '' } = shownAt(zone, ms);
  const date = `${year}-${month}-${day}`;
  if (interval === 'day') return date;
  if (interval === 'month') return `${year}-${month}-01`;
  // `GMT` or `GMT+05:45`.
  if (interval === 'hour') return `${date}T${hour}:00:00${timeZoneName.slice(3) || '+00:00'}`;
  const monday = new Date(date);
  monday.setUTCDate(monday.getUTCDate() - ((monday.getUTCDay() + 6) % 7));
  return monday.toISOString().slice(0, 10);
}

/** The starts of the buckets that a range touches, in order. */
export function zoneStarts(
  interval: OracleZoneInterval,
  zone: string,
  { from, until }: { from: number; until: number },
): string[] {
  const starts = new Set<string>();
  for (let ms = from; ms < until; ms += STEP_MS[interval]) starts.add(zoneStart(interval, zone, ms));
  starts.add(zoneStart(interval, zone, until - 1));
  return [...starts];
}

/** When a date begins, epoch ms. @param date `2026-03-01` */
export function zoneMidnight(zone: string, date: string): number {
  const noon = new Date(`${date}T12:00:00Z`).getTime();
  let [before, at] = [noon - 36 * 3_600_000, noon + 24 * 3_600_000];
  while (at - before > 1) {
    const middle = Math.floor((before + at) / 2);
    if (zoneStart('day', zone, middle) < date) before = middle;
    else at = middle;
  }
  return at;
}
