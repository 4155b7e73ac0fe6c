import { parseInstant } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import { isTimeZone } from '../../src/mapping/local-time.ts';
import { readTime, type TimeUnit, UNIT_NS } from '../../src/mapping/read-time.ts';

const read = (value: unknown, unit?: TimeUnit, timeZone?: string) => readTime(value, unit, timeZone).time;

/** Instants from 2000 to 2100, in nanoseconds. */
const instants = fc.bigInt({ min: 946_684_800n * UNIT_NS.s, max: 4_102_444_800n * UNIT_NS.s });
const ZONES = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Kathmandu'] as const;

/** The clock of a zone at an instant, by the platform's own time zone data. */
function wallClock(ns: bigint, timeZone: string): string {
  const options = { timeZone, dateStyle: 'short', timeStyle: 'medium' } as const;
  const shown = new Intl.DateTimeFormat('sv-SE', options).format(Number(ns / UNIT_NS.ms));
  return `${shown}.${String(ns % UNIT_NS.s).padStart(9, '0')}`;
}

/** Whether the clocks showed this time only once. */
function isUnique(ns: bigint, timeZone: string): boolean {
  const shown = wallClock(ns, timeZone);
  return [-60n, -30n, 30n, 60n].every(
    (minutes) => wallClock(ns + minutes * 60n * UNIT_NS.s, timeZone) !== shown,
  );
}

test('an instant in any unit, as a number or as text, is read to the last digit', async () => {
  fc.assert(
    fc.property(instants, fc.constantFrom('s', 'ms', 'us', 'ns'), fc.boolean(), (ns, unit, asNumber) => {
      const count = ns / UNIT_NS[unit];
      const value = asNumber && count <= Number.MAX_SAFE_INTEGER ? Number(count) : String(count);
      const time = read(value, unit) ?? '';
      const fraction = /\.(\d+)Z$/.exec(time)?.[1] ?? '';
      const seconds = BigInt(Date.parse(time.replace(/\.\d+/, ''))) / 1_000n;
      return seconds * UNIT_NS.s + BigInt(fraction.padEnd(9, '0')) === count * UNIT_NS[unit];
    }),
  );
});

test('a local time is the instant at which the clocks showed it', async () => {
  fc.assert(
    fc.property(instants, fc.constantFrom(...ZONES), (ns, timeZone) => {
      fc.pre(isUnique(ns, timeZone));
      const time = read(wallClock(ns, timeZone), undefined, timeZone);
      return time !== undefined && parseInstant(time) === Number(ns / UNIT_NS.ms);
    }),
  );
});

test('a time that was skipped lies after the change, and one that came twice is the first', async (t) => {
  t.equal(read('2026-03-29 02:30:00', undefined, 'Europe/Berlin'), '2026-03-29T01:30:00Z');
  t.equal(read('2026-10-25 02:30:00', undefined, 'Europe/Berlin'), '2026-10-25T00:30:00Z');
  t.equal(read('2026-10-25 03:00:00', undefined, 'Europe/Berlin'), '2026-10-25T02:00:00Z');
});

test('the forms in which times are written', async (t) => {
  const reads = (text: string, time: string) => t.equal(read(text, undefined, '+05:30'), time, text);
  reads('2026-03-01T09:30:00Z', '2026-03-01T09:30:00Z');
  reads('2026-03-01 09:30:00.123456789012+01', '2026-03-01T09:30:00.123456789+01:00');
  reads('2026-03-01 09:30:00 -0330', '2026-03-01T09:30:00-03:30');
  reads('2026-03-01 09:30:00 UTC', '2026-03-01T09:30:00Z');
  reads('2026-03-01T09:30:00,5', '2026-03-01T04:00:00.5Z');
  reads('2026/03/01 09:30', '2026-03-01T04:00:00Z');
  reads('Sun, 01 Mar 2026 09:31:24 +0000', '2026-03-01T09:31:24+00:00');
  reads('1 Mar 2026 09:31 GMT', '2026-03-01T09:31:00Z');
  t.equal(read('1772357400123456789', 'ns'), '2026-03-01T09:30:00.123456789Z');
  t.equal(read(1772357400.5, 's'), '2026-03-01T09:30:00.5Z');
  t.equal(read('-0.0000000001', 's'), '1969-12-31T23:59:59.999999999Z', 'cut, as the contract cuts');
});

test('what is no time is refused, and the remedy is said', async (t) => {
  const refuses = (value: unknown, unit: TimeUnit | undefined, why: RegExp, zone?: string) =>
    t.match(readTime(value, unit, zone).fault, why, String(value).slice(0, 40));
  refuses(1772357400, undefined, /unit is given/);
  refuses('1772357400', undefined, /unit is given/);
  refuses('2026-03-01 09:30:00', undefined, /no offset; say the time zone/);
  refuses('01.03.2026 09:30:00', undefined, /a time such as/, 'UTC');
  for (const text of ['2026-02-30 09:30:00', '2026-03-01 24:00:00', '2026-12-31 23:59:60']) {
    refuses(text, undefined, /no such time/, 'Europe/Berlin');
    refuses(`${text}Z`, undefined, /no such time/);
  }
  refuses('Sun, 31 Feb 2026 09:31:24 +0000', undefined, /no such time/);
  refuses('1.77236E+12', 'ms', /number of milliseconds/);
  refuses('9'.repeat(30), 's', /no such time/);
  refuses('9'.repeat(1_000_000), 'ns', /number of nanoseconds/);
  refuses({}, undefined, /a time such as/);
});

test('a time zone is a name or an offset', async (t) => {
  for (const zone of [...ZONES, '-03:30', 'Etc/GMT+5', 'EST5EDT']) t.ok(isTimeZone(zone), zone);
  for (const zone of ['', 'Z', 'Mars/Olympus', '2026-03-01T00:00Z', '2026-03-01T00:00[Europe/Berlin]', '5']) {
    t.notOk(isTimeZone(zone), zone);
  }
});
