/* What clocks show in a time zone, by Intl alone. */

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const STEP_MS = 15 * MINUTE_MS;

const formats = new Map<string, Intl.DateTimeFormat>();

/** The local time as if it were UTC, epoch ms, to the second. */
function shownAt(zone: string, ms: number): number {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(zone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(parts.year!, parts.month! - 1, parts.day, parts.hour, parts.minute, parts.second);
}

/** Ahead of UTC, ms. For whole seconds. */
export function offsetAt(zone: string, ms: number): number {
  return shownAt(zone, ms) - ms;
}

export function shownDate(zone: string, ms: number): string {
  return new Date(shownAt(zone, ms)).toISOString().slice(0, 10);
}

/** The first instant at which clocks show a date or a later one. For offsets of whole minutes. @param dateMs as if UTC */
export function firstShown(zone: string, dateMs: number): number {
  for (let step = dateMs - 27 * HOUR_MS; ; step += STEP_MS) {
    const [before, after] = [shownAt(zone, step), shownAt(zone, step + STEP_MS)];
    if (after < dateMs && after - before === STEP_MS) continue;
    for (let ms = step + MINUTE_MS; ms <= step + STEP_MS; ms += MINUTE_MS) {
      if (shownAt(zone, ms) >= dateMs) return ms;
    }
  }
}
