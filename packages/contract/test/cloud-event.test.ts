import { decodeCallEvent } from '@calltally/contract';
import fc from 'fast-check';
import { test } from 'tap';

const NOW = Date.parse('2026-03-28T12:00:00Z');
const EVENT = { call_id: 'c-1', user_id: 'u-1', started_at: '2026-03-28T09:30:00Z', duration_seconds: 84.25 };
const ENVELOPE = {
  specversion: '1.0',
  id: 'e-1',
  source: '/pbx',
  type: 'com.example.call.completed',
  datacontenttype: 'application/json',
};

const decode = (event: unknown) => decodeCallEvent(Buffer.from(JSON.stringify(event)), NOW);
const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');
const CALL = decode(EVENT);

test('the data of a CloudEvent is the call, as JSON or as bytes', async (t) => {
  t.equal(CALL.call?.callId, 'c-1');
  t.same(decode({ ...ENVELOPE, data: EVENT }), CALL);
  t.same(decode({ ...ENVELOPE, data_base64: base64(EVENT) }), CALL);
  t.same(decode({ specversion: '1.0', data: EVENT }), CALL, 'whatever else is missing');
  t.same(decode({ ...ENVELOPE, data: EVENT, data_base64: null, traceparent: '00-1-2-01' }), CALL);
  t.same(
    decode({ ...ENVELOPE, datacontenttype: 'text/plain', data: EVENT }),
    CALL,
    'what is said of it is not asked',
  );
  t.same(decode({ ...ENVELOPE, data: { ...EVENT, status: 7 } }), { ...CALL, dropped: ['status'] });
});

test('a call event with a field `specversion` is not a CloudEvent', async (t) => {
  t.same(decode({ ...EVENT, specversion: '0.3', data: { call_id: 'other' } }), CALL);
});

test('faults in a CloudEvent name the field with its path', async (t) => {
  const faults: [code: string, field: string, decoded: ReturnType<typeof decode>][] = [
    ['FIELD_INVALID', 'specversion', decode({ ...ENVELOPE, specversion: '0.3', data: EVENT })],
    ['FIELD_INVALID', 'specversion', decode({ ...ENVELOPE, specversion: 1, data: EVENT })],
    ['FIELD_INVALID', 'specversion', decode({ ...ENVELOPE, specversion: null, data: EVENT })],
    ['FIELD_MISSING', 'data', decode(ENVELOPE)],
    ['FIELD_MISSING', 'data', decode({ ...ENVELOPE, data: null, data_base64: null })],
    ['FIELD_INVALID', 'data_base64', decode({ ...ENVELOPE, data: EVENT, data_base64: base64(EVENT) })],
    ['FIELD_INVALID', 'data_base64', decode({ ...ENVELOPE, data_base64: 7 })],
    ['FIELD_INVALID', 'data_base64', decode({ ...ENVELOPE, data_base64: '{"call_id":' })],
    [
      'EVENT_NOT_JSON',
      'data_base64',
      decode({ ...ENVELOPE, data_base64: Buffer.from('<call/>').toString('base64') }),
    ],
    ['EVENT_NOT_JSON', 'data_base64', decode({ ...ENVELOPE, data_base64: '' })],
    ['EVENT_NOT_UTF8', 'data_base64', decode({ ...ENVELOPE, data_base64: '/w==' })],
    ['EVENT_NOT_OBJECT', 'data', decode({ ...ENVELOPE, data_base64: base64([EVENT]) })],
    ['EVENT_NOT_OBJECT', 'data', decode({ ...ENVELOPE, data: [EVENT] })],
    ['EVENT_NOT_OBJECT', 'data', decode({ ...ENVELOPE, data: JSON.stringify(EVENT) })],
    [
      'EVENT_NOT_OBJECT',
      'data',
      decode({ ...ENVELOPE, datacontenttype: 'application/xml', data: '<call/>' }),
    ],
    ['FIELD_MISSING', 'data.call_id', decode({ ...ENVELOPE, data: {} })],
    ['FIELD_MISSING', 'data.call_id', decode({ ...ENVELOPE, data: { ...ENVELOPE, data: EVENT } })],
    ['FIELD_INVALID', 'data.user_id', decode({ ...ENVELOPE, data: { ...EVENT, user_id: ' ' } })],
    ['STARTED_AT_INVALID', 'data.started_at', decode({ ...ENVELOPE, data: { ...EVENT, started_at: 'now' } })],
    [
      'STARTED_AT_TOO_OLD',
      'data.started_at',
      decode({ ...ENVELOPE, data: { ...EVENT, started_at: '1999-01-01T00:00:00Z' } }),
    ],
    [
      'DURATION_MISSING',
      'data.duration_seconds',
      decode({ ...ENVELOPE, data: { ...EVENT, duration_seconds: null } }),
    ],
    [
      'FIELD_INVALID',
      'data.agent_id',
      decode({ ...ENVELOPE, data_base64: base64({ ...EVENT, agent_id: 7 }) }),
    ],
  ];
  for (const [code, field, { rejection }] of faults) {
    t.match(rejection, { code, field }, rejection?.message ?? 'taken');
    t.match(rejection?.message, field);
  }
  t.match(
    decode([{ ...ENVELOPE, data: EVENT }]).rejection,
    { code: 'EVENT_NOT_OBJECT' },
    'a batch is not for Kafka',
  );
});

test('any CloudEvent gives a call or a rejection', async () => {
  const envelope = fc.record(
    {
      specversion: fc.oneof(fc.constant('1.0'), fc.jsonValue()),
      data: fc.oneof(fc.constant(EVENT), fc.jsonValue()),
      data_base64: fc.oneof(fc.base64String(), fc.jsonValue()),
      datacontenttype: fc.jsonValue(),
    },
    { requiredKeys: ['specversion'] },
  );
  fc.assert(
    fc.property(envelope, (value) => {
      const { call, rejection } = decode(value);
      return (call === undefined) !== (rejection === undefined);
    }),
    { numRuns: 2_000 },
  );
});
