import { formatZoned, similarTimeZones, timeZoneNamed } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';

const names = Intl.supportedValuesOf('timeZone');

test('each zone of the runtime is known, in any case, by the name that IANA writes', async (t) => {
  for (const name of names) {
    for (const written of [name, name.toLowerCase(), name.toUpperCase()]) {
      if (timeZoneNamed(written) !== name) t.fail(`${written} is ${timeZoneNamed(written)}`);
    }
  }
});

test('UTC and aliases are known by their own names', async (t) => {
  for (const name of [
    'UTC',
    'Etc/UTC',
    'GMT',
    'Asia/Calcutta',
    'Asia/Kolkata',
    'Europe/Kyiv',
    'US/Pacific',
  ]) {
    t.equal(timeZoneNamed(name.toLowerCase()), name);
  }
});

test('what is no name is unknown', async (t) => {
  const wrong = [
    ...['', ' ', 'Z', 'z', '+02:00', '-05:00', '+02', 'Europe/Berln', 'Berlin', 'Europe/', '/Berlin'],
    ...[
      '2026-03-01T00:00Z',
      '2026-03-01T00:00[Europe/Berlin]',
      '[Europe/Berlin]',
      'Europe/Berlin ',
      'constructor',
    ],
  ];
  for (const name of wrong) t.equal(timeZoneNamed(name), undefined, JSON.stringify(name));
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      timeZoneNamed(text);
      return similarTimeZones(text).length <= 3;
    }),
  );
});

test('a wrong name leads to the right one', async (t) => {
  const meant: [wrong: string, right: string][] = [
    ['Europe/Berln', 'Europe/Berlin'],
    ['europe/belrin', 'Europe/Berlin'],
    ['Berlin', 'Europe/Berlin'],
    ['berlin', 'Europe/Berlin'],
    ['Germany/Berlin', 'Europe/Berlin'],
    ['New York', 'America/New_York'],
    ['America/New York', 'America/New_York'],
    ['Kolkatta', 'Asia/Kolkata'],
    ['Asia/Katmandu1', 'Asia/Katmandu'],
    ['Europe/Kiyv', 'Europe/Kyiv'],
    ['Buenos Aires', 'America/Argentina/Buenos_Aires'],
  ];
  for (const [wrong, right] of meant)
    t.ok(similarTimeZones(wrong).includes(right), `${wrong}: ${similarTimeZones(wrong)}`);
  t.equal(similarTimeZones('Europe/Berln')[0], 'Europe/Berlin', 'the nearest comes first');
  for (const wrong of ['', 'xyz', '+02:00', 'my own zone']) t.strictSame(similarTimeZones(wrong), [], wrong);
});

test('an instant is shown in a zone as RFC 3339, and the text names it', async (t) => {
  t.equal(formatZoned(Date.UTC(2026, 2, 1), 'Europe/Berlin'), '2026-03-01T01:00:00+01:00');
  t.equal(
    formatZoned(Date.UTC(2026, 2, 1, 12, 0, 0, 250), 'America/St_Johns'),
    '2026-03-01T08:30:00.250-03:30',
  );
  t.equal(formatZoned(0, 'UTC'), '1970-01-01T00:00:00Z');
  // Berlin was 53 minutes and 28 seconds ahead.
  t.equal(formatZoned(Date.UTC(1890, 0, 1), 'Europe/Berlin'), '1890-01-01T00:53:00+00:53');
  fc.assert(
    fc.property(
      fc.constantFrom(...names),
      fc.integer({ min: Date.UTC(1800, 0), max: Date.UTC(2100, 0) }),
      (zone, ms) => Date.parse(formatZoned(ms, zone)) === ms,
    ),
    { numRuns: 500 },
  );
});
