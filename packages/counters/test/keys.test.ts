import { isDeepStrictEqual } from 'node:util';
import calculateSlot from 'cluster-key-slot';
import fc from 'fast-check';
import { test } from 'tap';
import {
  allBucketKeys,
  appliedField,
  appliedThroughOf,
  checkpointField,
  fillQueueKey,
  fillSlotKey,
  firstKeptDay,
  generationKey,
  monthExpirySeconds,
  monthKey,
  packBase,
  pairsOf,
  unpackBase,
  userIdOf,
  userKey,
  weekExpirySeconds,
  weekKey,
} from '../src/keys.ts';
import { DAY_MS } from './support.ts';

const dayAt = (year: number, month: number, day: number) => Date.UTC(year, month, day) / DAY_MS;

test('keys and fields are as documented, whatever the user id', async (t) => {
  const user = 'a:b@c|d-e_f.g';
  t.equal(userKey(user), 'ct2:{a:b@c|d-e_f.g}');
  t.equal(monthKey(user, 674), 'ct2:{a:b@c|d-e_f.g}:m:674');
  t.equal(weekKey(user, 2026), 'ct2:{a:b@c|d-e_f.g}:w:2026');
  t.equal(generationKey(3), 'ct2:ledger:{3}');
  t.equal(fillQueueKey(3), 'ct2:filling:{3}');
  t.equal(fillSlotKey(3, 1), 'ct2:fill-slot:{3}:1');
  t.equal(appliedField('1:2'), 'a:1:2');
  t.equal(checkpointField('1:2'), 'mark:1:2');
});

const cut = fc
  .dictionary(
    fc.tuple(fc.nat(30), fc.nat(600)).map(([stream, partition]) => `${stream}:${partition}`),
    fc.maxSafeNat(),
  )
  .map((offsets) => new Map(Object.entries(offsets)));

test('base is packed and unpacked; applied through is a partition’s own field, else the offset in base', (t) => {
  t.equal(
    packBase(
      new Map([
        ['0:0', 12],
        ['0:1', 7],
      ]),
    ),
    ' 0:0=12 0:1=7',
  );
  t.equal(packBase(new Map()), '');
  fc.assert(fc.property(cut, (base) => isDeepStrictEqual(unpackBase(packBase(base)), base)));
  fc.assert(
    fc.property(cut, cut, (base, own) => {
      const fields = [...own].flatMap(([partition, offset]) => [appliedField(partition), String(offset)]);
      return (
        isDeepStrictEqual(appliedThroughOf(pairsOf(fields)), own) &&
        [
          [...fields, 'b', packBase(base)],
          ['b', packBase(base), ...fields],
        ].every((flat) => isDeepStrictEqual(appliedThroughOf(pairsOf(flat)), new Map([...base, ...own])))
      );
    }),
  );
  t.end();
});

/** Ids of all kinds, including characters that keys are made of. */
const id = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }),
  fc
    .array(
      fc.constantFrom('a', '{', '}', '%', '%7D', '%25', '}:m:674', ':w:2026', '}{', '💬', 'é', 'ct2:{'),
      {
        minLength: 1,
        maxLength: 5,
      },
    )
    .map((parts) => parts.join('')),
);

test('an id of letters, digits and signs is in its keys unchanged', async () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.:@|-]{0,127}$/), (user) => {
      return (
        userKey(user) === `ct2:{${user}}` &&
        monthKey(user, 674) === `ct2:{${user}}:m:674` &&
        weekKey(user, 2026) === `ct2:{${user}}:w:2026`
      );
    }),
  );
});

test('two users never share a key, and all keys of a user lie in one slot', async (t) => {
  const keysOf = (user: string) => [
    userKey(user),
    monthKey(user, 674),
    monthKey(user, 7),
    weekKey(user, 2026),
  ];
  fc.assert(
    fc.property(id, id, (a, b) => a === b || new Set([...keysOf(a), ...keysOf(b)]).size === 8),
    { numRuns: 5_000 },
  );
  fc.assert(fc.property(id, (user) => new Set(keysOf(user).map(calculateSlot)).size === 1));
  fc.assert(
    fc.property(id, (user) => keysOf(user).every((key) => userIdOf(key) === user)),
    { numRuns: 5_000 },
  );
  t.equal(userIdOf(generationKey(3)), undefined);
  t.equal(userKey('}'), 'ct2:{%7D}');
  t.equal(userKey('%7D'), 'ct2:{%257D}');
  t.equal(userKey('{"$gt":"💬"}'), 'ct2:{{"$gt":"💬"%7D}');
});

test('months are kept whole, and expire two months after readers stop asking for them', async (t) => {
  t.equal(firstKeptDay(dayAt(2026, 10, 23), 25), dayAt(2024, 9, 1));
  t.equal(firstKeptDay(dayAt(2026, 0, 1), 2), dayAt(2025, 10, 1));
  t.equal(monthExpirySeconds(12 * 56, 25) * 1000, Date.UTC(2028, 3));
  t.equal(weekExpirySeconds(2026, 25), monthExpirySeconds(12 * 57, 25));
});

test('opening a user deletes every bucket that has not expired, and next month’s', async (t) => {
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
