import {
  type CallEvent,
  type CallEventFields,
  CallEventSchema,
  decodeCallEvent,
  encodeCallEvent,
} from '@calltally/contract';
import { DIRECTIONS, STATUSES } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import type Type from 'typebox';
import { Compile } from 'typebox/compile';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Plain<T> = { [Name in keyof T]: T[Name] };

test('the type of an event is that of the schema', async (t) => {
  const same: Same<Plain<CallEventFields>, Plain<Type.Static<typeof CallEventSchema>>> = true;
  t.ok(same, 'compared by the type check');
});

const schema = Compile(CallEventSchema);
const NOW = Date.parse('2026-03-28T12:00:00Z');

const id = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.:@|-]{0,20}$/),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  fc.constantFrom('+15550100042', 'a+b@example.com', 'KyZQ==', '💬'.repeat(256), 'x'.repeat(256)),
);
const label = fc.oneof(
  fc.constantFrom<string>(...DIRECTIONS, ...STATUSES, 'no-answer', 'outbound-api', 'transferred', ''),
  fc.string({ unit: 'binary', maxLength: 70 }),
);
const instant = fc
  .date({ min: new Date('1999-12-01'), max: new Date('2026-04-10'), noInvalidDate: true })
  .map((date) => date.toISOString());
const seconds = fc.double({ min: 0, max: 604_800, noNaN: true });
const orNull = <T>(values: fc.Arbitrary<T>) => fc.option(values, { freq: 8 });

/** What JSON can hold of anything at all, and near misses of every kind. */
const junk = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(
    -1,
    604_801,
    1e300,
    '',
    'a'.repeat(257),
    '💬'.repeat(129),
    ' a',
    'a\u0085',
    '\ud83d',
    '2026-02-30T00:00:00Z',
    '2026-03-01',
    'x\n',
  ),
  fc.string({ unit: 'binary' }),
);

const event = fc.record(
  {
    call_id: id,
    user_id: id,
    started_at: instant,
    duration_seconds: orNull(seconds),
    ended_at: orNull(instant),
    agent_id: orNull(fc.oneof(id, fc.string({ unit: 'binary', maxLength: 300 }))),
    direction: orNull(label),
    status: orNull(label),
    revision: orNull(fc.oneof(fc.nat(3), fc.maxSafeNat())),
    deleted: orNull(fc.boolean()),
  },
  { requiredKeys: ['call_id', 'user_id'] },
);

/** An event of which some fields are spoilt. */
const nearEvent = fc
  .tuple(
    event,
    fc.dictionary(fc.constantFrom(...Object.keys(CallEventSchema.properties)), junk, { maxKeys: 2 }),
  )
  .map(([base, spoilt]) => ({ ...base, ...spoilt }));

test('what the codec accepts, the schema accepts without the dropped fields', async (t) => {
  let taken = 0;
  let spoilt = 0;
  fc.assert(
    fc.property(fc.oneof(event, nearEvent, junk), (value) => {
      const json = JSON.stringify(value);
      const decoded = decodeCallEvent(Buffer.from(json), NOW);
      if (decoded.call === undefined) return decoded.rejection.message.length > 0;
      taken++;
      const { dropped = [] } = decoded;
      const kept = JSON.parse(json);
      for (const field of dropped) {
        spoilt++;
        delete kept[field];
      }
      return schema.Check(kept);
    }),
    { numRuns: 5_000 },
  );
  t.ok(taken > 500 && spoilt > 50, `${taken} were taken, without ${spoilt} fields`);
});

test('what the schema accepts, the codec rejects only for the meaning of values', async () => {
  const OF_MEANING = new Set([
    'STARTED_AT_INVALID',
    'STARTED_AT_IN_FUTURE',
    'STARTED_AT_TOO_OLD',
    'ENDED_AT_INVALID',
    'ENDED_BEFORE_STARTED',
    'DURATION_INVALID',
    'DURATION_LONGER_THAN_CALL',
  ]);
  fc.assert(
    fc.property(fc.oneof(event, nearEvent), (value) => {
      if (!schema.Check(value)) return true;
      const { rejection } = decodeCallEvent(encodeCallEvent(value as CallEvent), NOW);
      if (rejection === undefined) return true;
      const ended = rejection.code !== 'DURATION_INVALID' || rejection.field === 'ended_at';
      return OF_MEANING.has(rejection.code) && ended;
    }),
    { numRuns: 5_000 },
  );
});

test('no bytes make the codec throw', async () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.json().map((json) => Buffer.from(json)),
      ),
      (bytes) => {
        const decoded = decodeCallEvent(Buffer.from(bytes), NOW);
        return (decoded.call === undefined) !== (decoded.rejection === undefined);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('the schema requires a duration or an end, or a deletion', async (t) => {
  const base: CallEvent = { call_id: 'c', user_id: 'u', started_at: '2026-03-01T00:00:00Z' };
  t.notOk(schema.Check({ ...base, deleted: true }));
  t.notOk(schema.Check({ ...base, deleted: true, revision: 0 }));
  t.ok(schema.Check({ call_id: 'c', user_id: 'u', deleted: true, revision: 1 }));
  t.notOk(schema.Check({ call_id: 'c', user_id: 'u', duration_seconds: 1 }));
  t.notOk(schema.Check({ ...base, duration_seconds: 1, deleted: true }));
  t.notOk(schema.Check(base));
  t.notOk(schema.Check({ ...base, duration_seconds: null }));
  t.ok(schema.Check({ ...base, duration_seconds: 0 }));
  t.ok(schema.Check({ ...base, ended_at: '2026-03-01T00:00:01Z' }));
});
