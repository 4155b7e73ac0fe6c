import { test } from 'tap';
import {
  allBucketKeys,
  appliedField,
  asOfField,
  firstKeptDay,
  ledgerKey,
  markField,
  monthExpirySeconds,
  monthKey,
  userKey,
  weekExpirySeconds,
  weekKey,
} from '../src/keys.ts';
import { DAY_MS } from './support.ts';

const dayAt = (year: number, month: number, day: number) => Date.UTC(year, month, day) / DAY_MS;

test('keys and fields are those that are documented, whatever a user is called', async (t) => {
  const user = 'a:b@c|d-e_f.g';
  t.equal(userKey(user), 'ct:{a:b@c|d-e_f.g}');
  t.equal(monthKey(user, 674), 'ct:{a:b@c|d-e_f.g}:m:674');
  t.equal(weekKey(user, 2026), 'ct:{a:b@c|d-e_f.g}:w:2026');
  t.equal(ledgerKey(3), 'ct:ledger:{3}');
  t.equal(appliedField('1:2'), 'a:1:2');
  t.equal(markField('1:2'), 'mark:1:2');
  t.equal(asOfField('1:2'), 'asof:1:2');
});

test('months are kept whole, and let go two months after readers stop asking for them', async (t) => {
  t.equal(firstKeptDay(dayAt(2026, 10, 23), 25), dayAt(2024, 9, 1));
  t.equal(firstKeptDay(dayAt(2026, 0, 1), 2), dayAt(2025, 10, 1));
  t.equal(monthExpirySeconds(12 * 56, 25) * 1000, Date.UTC(2028, 3));
  t.equal(weekExpirySeconds(2026, 25), monthExpirySeconds(12 * 57, 25));
});

test('a recount looks at every bucket that has not expired, and at next month’s', async (t) => {
  for (const retention of [2, 25, 120]) {
    for (let day = dayAt(2026, 0, 1); day < dayAt(2027, 1, 1); day += 1) {
      const keys = new Set(allBucketKeys('u', day, retention));
      const nowSeconds = (day * DAY_MS) / 1000;
      const thisMonth =
        new Date(day * DAY_MS).getUTCMonth() + (new Date(day * DAY_MS).getUTCFullYear() - 1970) * 12;
      for (let month = thisMonth - retention - 4; month <= thisMonth + 1; month++) {
        if (monthExpirySeconds(month, retention) > nowSeconds && !keys.has(monthKey('u', month))) {
          t.fail(`${retention} months, day ${day}: month ${month} is left out`);
        }
      }
      const year = new Date(day * DAY_MS).getUTCFullYear();
      for (const soon of [year, new Date((day + 31) * DAY_MS).getUTCFullYear()]) {
        if (!keys.has(weekKey('u', soon))) t.fail(`day ${day}: weeks of ${soon} are left out`);
      }
    }
  }
  t.pass('three retentions, every day of a year');
});
