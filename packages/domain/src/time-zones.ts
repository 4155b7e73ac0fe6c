import { distance } from 'fastest-levenshtein';
import { Temporal } from 'temporal-polyfill';

/** Names as IANA writes them: no offsets, no instants in brackets, which Temporal takes as well. */
const NAME = /^[A-Za-z][\w+-]*(?:\/[\w+-]+)*$/;

/** Names of today that runtimes know but list only by an older one. */
export const RENAMED_ZONES: readonly string[] = [
  ...['Africa/Asmara', 'America/Argentina/Buenos_Aires', 'America/Indiana/Indianapolis', 'America/Nuuk'],
  ...['Asia/Ho_Chi_Minh', 'Asia/Kathmandu', 'Asia/Kolkata', 'Asia/Yangon', 'Atlantic/Faroe', 'Europe/Kyiv'],
  ...['Pacific/Chuuk', 'Pacific/Kanton', 'Pacific/Pohnpei'],
];

const SHOWN_VALUE_LENGTH_MAX = 40;
const SIMILAR_MAX = 3;
const NAME_LENGTH_MAX = 40;
/** So many letters of a name allow for one slip. */
const LETTERS_PER_SLIP = 4;

/** `time_zone` names no zone. */
export class TimeZoneError extends Error {
  override readonly name = 'TimeZoneError';

  constructor(given: string) {
    const shown =
      given.length > SHOWN_VALUE_LENGTH_MAX ? `${given.slice(0, SHOWN_VALUE_LENGTH_MAX)}…` : given;
    const similar = similarTimeZones(given);
    const remedy =
      similar.length > 0
        ? `Did you mean ${similar.join(' or ')}?`
        : 'Write a name as IANA does, such as Europe/Berlin, America/New_York or UTC.';
    super(`time_zone ${JSON.stringify(shown)} is no time zone here. ${remedy}`);
  }
}

/**
 * The zone that the parameter `time_zone` names, as `timeZoneNamed` gives it; undefined without it.
 * @throws TimeZoneError with names near a wrong one
 */
export function readTimeZone(given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  const timeZone = timeZoneNamed(given);
  if (timeZone === undefined) throw new TimeZoneError(given);
  return timeZone;
}

/**
 * The time zone of a name in any case, as IANA writes it: `europe/berlin` is `Europe/Berlin`. Aliases stay what they are:
 * `Asia/Calcutta` is itself, and behaves as `Asia/Kolkata`. Undefined if the runtime knows no such zone.
 */
export function timeZoneNamed(name: string): string | undefined {
  if (!NAME.test(name) || name.toUpperCase() === 'Z') return undefined;
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name).timeZoneId;
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined;
    throw thrown;
  }
}

/** At most three zones that a wrong name may have meant, the nearest first: by the whole name, or by its last part alone. */
export function similarTimeZones(wrong: string): string[] {
  const given = wrong.slice(0, NAME_LENGTH_MAX).trim().toLowerCase().replaceAll(' ', '_');
  return zoneNames()
    .map((name) => ({ name, slips: slipsBetween(given, name.toLowerCase()) }))
    .filter(({ slips }) => slips < Infinity)
    .sort((a, b) => a.slips - b.slips)
    .slice(0, SIMILAR_MAX)
    .map(({ name }) => name);
}

let names: readonly string[] | undefined;

function zoneNames(): readonly string[] {
  const renamed = () => RENAMED_ZONES.filter((name) => timeZoneNamed(name) === name);
  names ??= [...new Set([...Intl.supportedValuesOf('timeZone'), ...renamed(), 'UTC'])].sort();
  return names;
}

/** Infinity where they are too many for one name to be the other. */
function slipsBetween(given: string, name: string): number {
  return Math.min(slipsWithin(given, name), slipsWithin(lastPart(given), lastPart(name)));
}

function slipsWithin(given: string, name: string): number {
  const slips = distance(given, name);
  return slips <= Math.floor(name.length / LETTERS_PER_SLIP) ? slips : Infinity;
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}
