import { RENAMED_ZONES } from '@calltally/domain';

/*
 * Time zones. The API turns local dates into instants; the page asks only how far clocks are ahead of UTC now. An instant
 * shifted by that (epoch ms) is read as if it were of UTC.
 */

export const UTC = 'UTC';

/** Of an ISO 8601 time, and of `GMT+05:30`. */
const OFFSET = /([+-])(\d\d):(\d\d)$/;
const MINUTE_MS = 60_000;

/** The zone in the page's address, `?time_zone=Europe/Berlin`, in whatever spelling: the API refuses what is none. */
export function zoneOfAddress(search: string): string {
  const given = new URLSearchParams(search).get('time_zone') ?? '';
  return given === '' || given.toUpperCase() === UTC ? UTC : given;
}

/** To be appended to an address: `&time_zone=Europe/Berlin`, or nothing for UTC. */
export function addressOfZone(timeZone: string): string {
  return timeZone === UTC ? '' : `&time_zone=${encodeURIComponent(timeZone).replaceAll('%2F', '/')}`;
}

/** The API's parameter for a zone. */
export function queryOfZone(timeZone: string): { time_zone?: string } {
  return timeZone === UTC ? {} : { time_zone: timeZone };
}

/** How far the clocks of a zone are ahead of UTC at an instant, in ms; undefined if this browser does not know the zone. */
export function offsetAt(ms: number, timeZone: string): number | undefined {
  try {
    const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
    return readOffset(format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? '');
  } catch {
    return undefined;
  }
}

/** The offset, in ms, that a time is written with: `2026-03-29T03:00:00+02:00`. 0 for `Z`. */
export function readOffset(text: string): number {
  const [, sign, hours, minutes] = OFFSET.exec(text) ?? [];
  const size = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * MINUTE_MS;
  return sign === '-' ? -size : size;
}

/** `UTC`, `UTC+2`, `UTC−3:30` */
export function nameOfOffset(offsetMs: number): string {
  if (offsetMs === 0) return UTC;
  const minutes = Math.abs(offsetMs) / MINUTE_MS;
  const rest = minutes % 60 === 0 ? '' : `:${String(minutes % 60).padStart(2, '0')}`;
  return `${UTC}${offsetMs < 0 ? '−' : '+'}${Math.floor(minutes / 60)}${rest}`;
}

/** The browser's own zone. */
export function ownZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** The zones that can be chosen, by the first part of their names: continents and oceans. */
export function zonesByRegion(): Map<string, string[]> {
  const regions = new Map<string, string[]>();
  for (const zone of [...new Set([...Intl.supportedValuesOf('timeZone'), ...RENAMED_ZONES])].sort()) {
    const [region = ''] = zone.split('/');
    if (region === zone) continue;
    regions.set(region, [...(regions.get(region) ?? []), zone]);
  }
  return regions;
}

/** `America/New York` */
export function nameOfZone(timeZone: string): string {
  return timeZone.replaceAll('_', ' ');
}
