import { test } from 'tap';
import { parseExpiry } from '../src/key-expiry.ts';

const now = Date.parse('2026-03-01T12:00:00Z');

test('days count from now, a date holds through its day, a date-time ends at that instant', async (t) => {
  t.equal(parseExpiry('90d', now).toISOString(), '2026-05-30T12:00:00.000Z');
  t.equal(parseExpiry('2026-03-01', now).toISOString(), '2026-03-02T00:00:00.000Z');
  t.equal(parseExpiry('9999-12-31', now).toISOString(), '9999-12-31T23:59:59.999Z', 'the last there is');
  t.equal(parseExpiry('2026-03-01T14:00:00+01:00', now).toISOString(), '2026-03-01T13:00:00.000Z');
});

test('what is no time and what is not ahead is refused', async (t) => {
  for (const text of [
    '',
    '0d',
    '-1d',
    '1.5d',
    '90',
    '90 d',
    '2026-02-30',
    'tomorrow',
    '99999d',
    '9999-12-31T24:00',
    '10000-01-01',
    '+010000-01-01',
  ]) {
    t.throws(() => parseExpiry(text, now), { code: 'EXPIRES_INVALID' }, text);
  }
  for (const text of ['2026-02-28', '2026-03-01T12:00:00Z', '2000-01-01']) {
    t.throws(() => parseExpiry(text, now), { code: 'EXPIRES_PAST' }, text);
  }
});
