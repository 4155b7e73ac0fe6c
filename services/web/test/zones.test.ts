import { zoneCalendar } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import {
  addressOfZone,
  nameOfOffset,
  offsetAt,
  queryOfZone,
  readOffset,
  zoneOfAddress,
  zonesByRegion,
} from '../src/zones.ts';
import { nowMs } from './arbitraries.ts';

const HOUR_MS = 3_600_000;
/** Some that change their clocks, by half an hour or over midnight, and some far from UTC. */
const zone = fc.constantFrom(
  ...['Europe/Berlin', 'America/New_York', 'America/St_Johns', 'Asia/Kolkata', 'Asia/Kathmandu'],
  ...['Australia/Lord_Howe', 'Pacific/Kiritimati', 'Pacific/Niue', 'Africa/Casablanca', 'Etc/GMT+1', 'UTC'],
);

test('an instant shifted by the offset is on the local day of the API', async () => {
  fc.assert(
    fc.property(zone, nowMs, (zone, ms) => {
      const day = Math.floor((ms + offsetAt(ms, zone)!) / (24 * HOUR_MS));
      const calendar = zoneCalendar(zone);
      // Where clocks went back over midnight, what they show again is of the new day.
      return day === calendar.dayAt(ms) || calendar.dayAt(ms - HOUR_MS) === calendar.dayAt(ms);
    }),
  );
});

test('an offset is read as the API and Intl write it', async (t) => {
  t.equal(readOffset('2026-10-25T02:00:00+02:00'), 2 * HOUR_MS);
  t.equal(readOffset('2026-03-01T08:30:00.250-03:30'), -3.5 * HOUR_MS);
  t.equal(readOffset('2026-11-12T12:00:00Z'), 0);
  t.equal(readOffset('GMT'), 0);
  t.equal(offsetAt(0, 'Mars/Phobos'), undefined, 'this runtime does not know every zone');
  t.equal(nameOfOffset(0), 'UTC');
  t.equal(nameOfOffset(readOffset('GMT+05:45')), 'UTC+5:45');
  t.equal(nameOfOffset(readOffset('GMT-03:30')), 'UTC−3:30');
  t.equal(nameOfOffset(2 * HOUR_MS), 'UTC+2');
});

test('the address names a zone unless it is UTC', async (t) => {
  t.equal(addressOfZone('Europe/Berlin'), '&time_zone=Europe/Berlin');
  t.equal(addressOfZone('UTC'), '');
  t.same(queryOfZone('UTC'), {});
  t.same(queryOfZone('Asia/Kolkata'), { time_zone: 'Asia/Kolkata' });
  t.equal(zoneOfAddress('?range=7d'), 'UTC');
  t.equal(zoneOfAddress('?time_zone='), 'UTC');
  t.equal(zoneOfAddress('?time_zone=utc'), 'UTC');
  t.equal(zoneOfAddress('?time_zone=Mars%2FPhobos'), 'Mars/Phobos', 'the API refuses it, and says why');
});

test('every zone that can be chosen is in the list once, by its names of today and before', async (t) => {
  const zones = [...zonesByRegion().values()].flat();
  t.equal(new Set(zones).size, zones.length);
  for (const name of ['Europe/Berlin', 'Asia/Kolkata', 'Asia/Calcutta', 'America/Argentina/Buenos_Aires']) {
    t.ok(zones.includes(name), name);
  }
  t.same([...zonesByRegion().keys()], [...zonesByRegion().keys()].sort());
});
