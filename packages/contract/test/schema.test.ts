import { type CallEvent, CallEventSchema, decodeCallEvent, encodeCallEvent } from '@calltally/contract';
import { DIRECTIONS, STATUSES } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import { Compile } from 'typebox/compile';

const schema = Compile(CallEventSchema);
const NOW = Date.parse('2026-03-28T12:00:00Z');

const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.:@|-]{0,20}$/);
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
    'a'.repeat(129),
    '2026-02-30T00:00:00Z',
    '2026-03-01',
    '-x',
    'x\n',
    'é',
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
    direction: orNull(fc.constantFrom(...DIRECTIONS)),
    status: orNull(fc.constantFrom(...STATUSES)),
  },
  { requiredKeys: ['call_id', 'user_id', 'started_at'] },
);

/** An event of which some fields are spoilt. */
const nearEvent = fc
  .tuple(
    event,
    fc.dictionary(fc.constantFrom(...Object.keys(CallEventSchema.properties)), junk, { maxKeys: 2 }),
  )
  .map(([base, spoilt]) => ({ ...base, ...spoilt }));

test('whatever the codec takes, the schema takes', async (t) => {
  let taken = 0;
  fc.assert(
    fc.property(fc.oneof(event, nearEvent, junk), (value) => {
      const json = JSON.stringify(value);
      const { call, rejection } = decodeCallEvent(Buffer.from(json), NOW);
      if (call === undefined) return rejection.message.length > 0;
      taken++;
      return schema.Check(JSON.parse(json));
    }),
    { numRuns: 5_000 },
  );
  t.ok(taken > 500, `${taken} were taken`);
});

test('what the schema takes, the codec refuses only for what the values mean', async () => {
  const OF_MEANING = new Set([
    'STARTED_AT_INVALID',
    'STARTED_AT_IN_FUTURE',
    'STARTED_AT_TOO_OLD',
    'ENDED_AT_INVALID',
    'ENDED_BEFORE_STARTED',
    'DURATION_INVALID',
  ]);
  fc.assert(
    fc.property(fc.oneof(event, nearEvent), (value) => {
      if (!schema.Check(value)) return true;
      const { rejection } = decodeCallEvent(encodeCallEvent(value), NOW);
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

test('the schema itself asks for a duration or an end', async (t) => {
  const base: CallEvent = { call_id: 'c', user_id: 'u', started_at: '2026-03-01T00:00:00Z' };
  t.notOk(schema.Check(base));
  t.notOk(schema.Check({ ...base, duration_seconds: null }));
  t.ok(schema.Check({ ...base, duration_seconds: 0 }));
  t.ok(schema.Check({ ...base, ended_at: '2026-03-01T00:00:01Z' }));
});
