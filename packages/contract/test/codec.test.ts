import {
  type CallEvent,
  decodeCallEvent,
  EVENT_SIZE_MAX_BYTES,
  encodeCallEvent,
  REJECTION_CODES,
  type Rejection,
  recordUnreadable,
} from '@calltally/contract';
import { test } from 'tap';

const NOW = Date.parse('2026-03-28T12:00:00Z');
const EVENT = { call_id: 'c-1', user_id: 'u-1', started_at: '2026-03-28T09:30:00Z', duration_seconds: 84.25 };

const decode = (event: unknown) => decodeCallEvent(Buffer.from(JSON.stringify(event)), NOW);
const text = (value: string) => decodeCallEvent(Buffer.from(value), NOW);
const without = (field: keyof typeof EVENT, more = {}) => {
  const { [field]: _, ...rest } = EVENT;
  return decode({ ...rest, ...more });
};

/** A value for every code that a value can have, and the field it is to name. */
const FAULTS: [Rejection['code'], string | undefined, ReturnType<typeof decode>][] = [
  ['EVENT_EMPTY', undefined, decodeCallEvent(null, NOW)],
  ['EVENT_EMPTY', undefined, text('')],
  ['EVENT_TOO_LARGE', undefined, decode({ ...EVENT, note: 'x'.repeat(EVENT_SIZE_MAX_BYTES) })],
  ['EVENT_NOT_UTF8', undefined, decodeCallEvent(Buffer.from([0x7b, 0xff, 0x7d]), NOW)],
  ['EVENT_NOT_UTF8', undefined, decodeCallEvent(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), NOW)],
  ['EVENT_NOT_JSON', undefined, text('{"call_id":')],
  ['EVENT_NOT_JSON', undefined, text('NaN')],
  ['EVENT_NOT_JSON', undefined, text(`\ufeff${JSON.stringify(EVENT)}`)],
  ['EVENT_NOT_OBJECT', undefined, text('null')],
  ['EVENT_NOT_OBJECT', undefined, text('"call"')],
  ['EVENT_NOT_OBJECT', undefined, decode([EVENT])],
  ['EVENT_NOT_OBJECT', undefined, text('['.repeat(30_000) + ']'.repeat(30_000))],
  ['FIELD_MISSING', 'call_id', without('call_id')],
  ['FIELD_MISSING', 'user_id', without('user_id', { user_id: null })],
  ['FIELD_MISSING', 'started_at', without('started_at')],
  ['FIELD_INVALID', 'call_id', decode({ ...EVENT, call_id: 7 })],
  ['FIELD_INVALID', 'call_id', decode({ ...EVENT, call_id: '' })],
  ['FIELD_INVALID', 'call_id', decode({ ...EVENT, call_id: 'c-1\n' })],
  ['FIELD_INVALID', 'call_id', decode({ ...EVENT, call_id: 'a\ud83d' })],
  ['FIELD_INVALID', 'user_id', decode({ ...EVENT, user_id: ' u' })],
  ['FIELD_INVALID', 'user_id', decode({ ...EVENT, user_id: 'u'.repeat(257) })],
  ['FIELD_INVALID', 'agent_id', decode({ ...EVENT, agent_id: {} })],
  ['FIELD_INVALID', 'agent_id', decode({ ...EVENT, agent_id: 'a\nb' })],
  ['FIELD_INVALID', 'agent_id', decode({ ...EVENT, agent_id: 'a\u0085' })],
  ['FIELD_INVALID', 'agent_id', decode({ ...EVENT, agent_id: 'a\ud83d' })],
  ['FIELD_INVALID', 'agent_id', decode({ ...EVENT, agent_id: '💬'.repeat(257) })],
  ['FIELD_INVALID', 'revision', decode({ ...EVENT, revision: -1 })],
  ['FIELD_INVALID', 'revision', decode({ ...EVENT, revision: 1.5 })],
  ['FIELD_INVALID', 'revision', decode({ ...EVENT, revision: '2' })],
  ['FIELD_INVALID', 'revision', decode({ ...EVENT, revision: 2 ** 53 })],
  ['FIELD_INVALID', 'deleted', decode({ ...EVENT, revision: 1, deleted: 'true' })],
  ['FIELD_INVALID', 'deleted', decode({ ...EVENT, revision: 1, deleted: 1 })],
  ['FIELD_MISSING', 'revision', decode({ ...EVENT, deleted: true })],
  ['FIELD_INVALID', 'revision', decode({ ...EVENT, deleted: true, revision: 0 })],
  ['STARTED_AT_INVALID', 'started_at', decode({ ...EVENT, started_at: 1_774_690_200_000 })],
  ['STARTED_AT_INVALID', 'started_at', decode({ ...EVENT, started_at: '2026-03-28T09:30:00' })],
  ['STARTED_AT_INVALID', 'started_at', decode({ ...EVENT, started_at: '2026-02-30T09:30:00Z' })],
  ['STARTED_AT_IN_FUTURE', 'started_at', decode({ ...EVENT, started_at: '2026-03-28T12:05:00.001Z' })],
  ['STARTED_AT_IN_FUTURE', 'started_at', decode({ ...EVENT, started_at: '9999-12-31T23:59:59-01:00' })],
  ['STARTED_AT_TOO_OLD', 'started_at', decode({ ...EVENT, started_at: '1999-12-31T23:59:59.999Z' })],
  ['STARTED_AT_TOO_OLD', 'started_at', decode({ ...EVENT, started_at: '0000-02-29T12:00:00Z' })],
  ['STARTED_AT_TOO_OLD', 'started_at', decode({ ...EVENT, started_at: '0001-01-01T00:00:00+01:00' })],
  ['DURATION_MISSING', 'duration_seconds', without('duration_seconds')],
  ['DURATION_MISSING', 'duration_seconds', without('duration_seconds', { duration_seconds: null })],
  ['DURATION_INVALID', 'duration_seconds', decode({ ...EVENT, duration_seconds: '84' })],
  ['DURATION_INVALID', 'duration_seconds', decode({ ...EVENT, duration_seconds: -0.001 })],
  ['DURATION_INVALID', 'duration_seconds', decode({ ...EVENT, duration_seconds: 604_800.001 })],
  ['DURATION_INVALID', 'duration_seconds', text(JSON.stringify(EVENT).replace('84.25', '1e400'))],
  [
    'DURATION_INVALID',
    'ended_at',
    without('duration_seconds', { started_at: '2026-03-01T00:00:00Z', ended_at: '2026-03-08T00:00:00.001Z' }),
  ],
  ['ENDED_AT_INVALID', 'ended_at', without('duration_seconds', { ended_at: 'later' })],
  ['ENDED_AT_INVALID', 'ended_at', without('duration_seconds', { ended_at: '' })],
  ['ENDED_BEFORE_STARTED', 'ended_at', without('duration_seconds', { ended_at: '0000-03-28T09:30:00Z' })],
  ['DURATION_INVALID', 'ended_at', without('duration_seconds', { ended_at: '9999-12-31T23:59:59-01:00' })],
  [
    'DURATION_LONGER_THAN_CALL',
    'duration_seconds',
    decode({ ...EVENT, duration_seconds: 84_250, ended_at: '2026-03-28T09:31:24.250Z' }),
  ],
  ['ENDED_BEFORE_STARTED', 'ended_at', without('duration_seconds', { ended_at: '2026-03-28T09:29:59.999Z' })],
];

test('every fault has its code and names the field', async (t) => {
  for (const [code, field, { rejection }] of FAULTS) {
    t.match(rejection, { code }, rejection?.message ?? 'taken');
    t.equal(rejection?.field, field);
    if (field !== undefined) t.match(rejection?.message, field);
  }
  const ofIngest = recordUnreadable(1, 2, 'it is damaged').code;
  const tried = new Set([...FAULTS.map(([code]) => code), ofIngest]);
  t.same([...tried].sort(), [...REJECTION_CODES].sort(), 'no code without a case');
});

test('a message says what to do', async (t) => {
  const words = [
    [
      decode({ ...EVENT, duration_seconds: -1 }),
      'duration_seconds is -1; it must be a number of seconds from 0 to 604800',
    ],
    [
      decode({ ...EVENT, started_at: 'yesterday' }),
      'started_at is "yesterday"; it must be an RFC 3339 date-time with an offset, such as 2026-03-01T09:30:00Z',
    ],
    [
      decode({ ...EVENT, duration_seconds: 84_250, ended_at: '2026-03-28T09:31:24.250Z' }),
      'duration_seconds is 84250, but ended_at is 84.25 seconds after started_at; write seconds, not milliseconds, or leave out the wrong field',
    ],
    [
      decode({ ...EVENT, user_id: '' }),
      'user_id is ""; it must be a string of 1 to 256 characters, without control characters or unpaired surrogates and without a space at either end',
    ],
    [without('duration_seconds'), 'duration_seconds and ended_at are missing; write one of them'],
    [
      text(`\ufeff${JSON.stringify(EVENT)}`),
      'the value starts with a byte order mark; write one JSON object in UTF-8 and nothing else',
    ],
  ] as const;
  for (const [{ rejection }, message] of words) t.equal(rejection?.message, message);
});

test('a message shows little of a value and none of its control characters', async (t) => {
  const hostile = [
    'x'.repeat(60_000),
    '\u200b'.repeat(20_000),
    '\u001b[31m\r\n\u0000\u007f\u009b\u202e\u2028'.repeat(2_000),
    '"\\'.repeat(9_000),
  ];
  for (const value of hostile) {
    for (const field of ['call_id', 'started_at', 'duration_seconds', 'ended_at', 'agent_id']) {
      const spoilt = { ...EVENT, [field]: value };
      const { rejection } = decode(field === 'ended_at' ? { ...spoilt, duration_seconds: null } : spoilt);
      t.ok(rejection!.message.length < 250, `${rejection!.message.length} characters`);
      t.match(rejection!.message, /^[\u0020-\u007e…]+$/);
    }
  }
});

test('a call has the values of its event', async (t) => {
  const startedAt = Date.parse('2026-03-28T09:30:00Z');
  t.same(decode(EVENT).call, { callId: 'c-1', userId: 'u-1', startedAt, durationMs: 84_250 });
  t.same(decode({ ...EVENT, agent_id: 'a', direction: 'web', status: 'no_answer' }).call, {
    callId: 'c-1',
    userId: 'u-1',
    startedAt,
    durationMs: 84_250,
    agentId: 'a',
    direction: 'web',
    status: 'no_answer',
  });
  t.equal(decode({ ...EVENT, started_at: '2026-03-28T11:30:00.5+02:00' }).call?.startedAt, startedAt + 500);
  t.equal(
    decode({ ...EVENT, started_at: '2026-03-28T12:05:00Z' }).call?.startedAt,
    NOW + 300_000,
    'five minutes',
  );
  t.equal(decode({ ...EVENT, started_at: '2000-01-01T00:00:00Z' }).call?.startedAt, 946_684_800_000);
});

test('a duration is kept as whole milliseconds, half up', async (t) => {
  const seconds: [number, number][] = [
    [0, 0],
    [0.0005, 1],
    [1.0005, 1001],
    [0.000499, 0],
    [604_800, 604_800_000],
  ];
  for (const [given, ms] of seconds)
    t.equal(decode({ ...EVENT, duration_seconds: given }).call?.durationMs, ms);
  t.ok(Object.is(text(JSON.stringify(EVENT).replace('84.25', '-0')).call?.durationMs, 0), 'no negative zero');
});

test('ended_at gives the duration only where duration_seconds is absent', async (t) => {
  const ended_at = '2026-03-28T10:00:00.125Z';
  t.equal(decode({ ...EVENT, ended_at }).call?.durationMs, 84_250);
  t.equal(without('duration_seconds', { ended_at }).call?.durationMs, 1_800_125);
  t.equal(without('duration_seconds', { ended_at, duration_seconds: null }).call?.durationMs, 1_800_125);
  const week = { started_at: '2026-03-01T00:00:00Z', ended_at: '2026-03-08T00:00:00Z' };
  t.equal(without('duration_seconds', week).call?.durationMs, 604_800_000);
});

test('null in an optional field counts as absent', async (t) => {
  const nulls = { ended_at: null, agent_id: null, direction: null, status: null };
  t.same(decode({ ...EVENT, ...nulls }), decode(EVENT));
});

test('an impossible end is dropped if there is a duration, and reported', async (t) => {
  const ends = ['', 'later', '2026-03-28 09:31:24', '2026-03-28T09:29:59.999Z', '2020-01-01T00:00:00Z'];
  for (const ended_at of [
    ...ends,
    '2026-04-05T00:00:00Z',
    '9999-12-31T23:59:59-01:00',
    1_774_690_284,
    {},
    [],
  ]) {
    t.same(
      decode({ ...EVENT, ended_at }),
      { ...decode(EVENT), dropped: ['ended_at'] },
      JSON.stringify(ended_at),
    );
  }
});

test('a duration may be shorter than its call by any time, and longer by a second', async (t) => {
  const ended_at = '2026-03-28T09:31:24.250Z';
  for (const duration_seconds of [0, 0.001, 84.25, 85, 85.25]) {
    const { call, dropped } = decode({ ...EVENT, duration_seconds, ended_at });
    t.equal(call?.durationMs, duration_seconds * 1000);
    t.equal(dropped, undefined);
  }
  for (const duration_seconds of [85.251, 86, 84_250, 604_800]) {
    const { rejection } = decode({ ...EVENT, duration_seconds, ended_at });
    t.match(rejection, {
      code: 'DURATION_LONGER_THAN_CALL',
      message: /duration_seconds .*ended_at .*milliseconds/,
    });
  }
  t.equal(
    decode({ ...EVENT, duration_seconds: 84_250 }).call?.durationMs,
    84_250_000,
    'nothing says otherwise',
  );
});

test('a direction or a status never costs the call', async (t) => {
  const kept: [status: unknown, kept: string | undefined, isTold: boolean][] = [
    ['no-answer', 'no_answer', false],
    ['Cancelled', 'canceled', false],
    ['transferred', 'transferred', false],
    ['not_connected', 'not_connected', false],
    ['toString', 'toString', false],
    ['💬'.repeat(64), '💬'.repeat(64), false],
    ['', undefined, false],
    [null, undefined, false],
    ['x'.repeat(65), undefined, true],
    ['a\nb', undefined, true],
    ['\ud83d', undefined, true],
    [7, undefined, true],
    [false, undefined, true],
    [{ code: 486 }, undefined, true],
    [['busy'], undefined, true],
  ];
  for (const [status, expected, isTold] of kept) {
    const { call, dropped } = decode({ ...EVENT, status });
    t.equal(call?.status, expected, JSON.stringify(status));
    t.same(dropped, isTold ? ['status'] : undefined);
  }
  t.equal(decode({ ...EVENT, direction: 'outbound-api' }).call?.direction, 'outbound');
  t.equal(decode({ ...EVENT, direction: 'sideways' }).call?.direction, 'sideways');
  const spoilt = decode({ ...EVENT, direction: 1, status: {}, ended_at: 'later' });
  t.same(spoilt, { ...decode(EVENT), dropped: ['ended_at', 'direction', 'status'] });
});

test('an id is whatever the platform calls it', async (t) => {
  const ids = [
    '+15550100042',
    'a+b@example.com',
    'KyZQ==',
    '100001616500^10000183',
    'arn:aws:x/y',
    '__proto__',
  ];
  for (const id of [...ids, '客户', 'e\u0301', '\u00e9', '💬'.repeat(256)]) {
    const { call } = decode({ ...EVENT, call_id: id, user_id: id, agent_id: id });
    t.same([call?.callId, call?.userId, call?.agentId], [id, id, id]);
  }
  t.equal(
    decode({ ...EVENT, agent_id: '💬'.repeat(129) }).call?.agentId,
    '💬'.repeat(129),
    'counted by characters',
  );
  t.notOk('agentId' in decode({ ...EVENT, agent_id: '' }).call!, 'none given');
});

test('unknown fields are let through and not kept', async (t) => {
  t.same(decode({ ...EVENT, transcript: ['hello'], nested: { call_id: 'x' } }), decode(EVENT));
});

test('keys of JSON can be neither prototypes nor ambiguous', async (t) => {
  const hostile = `{"__proto__":{"duration_seconds":1,"status":"busy"},"constructor":{"prototype":{"x":1}},${JSON.stringify(EVENT).slice(1)}`;
  t.same(text(hostile), decode(EVENT));
  t.equal(Reflect.get({}, 'status'), undefined);
  t.match(text('{"__proto__":{"call_id":"c-1"}}').rejection, { code: 'FIELD_MISSING', field: 'call_id' });
  t.equal(
    text(`{"call_id":"first",${JSON.stringify(EVENT).slice(1)}`).call?.callId,
    'c-1',
    'the last one counts',
  );
});

test('a value of exactly the largest size is read', async (t) => {
  const event = { ...EVENT, note: '' };
  event.note = 'x'.repeat(EVENT_SIZE_MAX_BYTES - JSON.stringify(event).length);
  t.equal(decode(event).call?.callId, 'c-1');
  t.match(decode({ ...event, note: `${event.note}x` }).rejection, { code: 'EVENT_TOO_LARGE' });
});

test('what is encoded is decoded', async (t) => {
  const event: CallEvent = { ...EVENT, direction: 'inbound' };
  t.same(decodeCallEvent(encodeCallEvent(event), NOW), decode(event));
});

test('a call has a revision, 0 if none is given', async (t) => {
  for (const revision of [undefined, null, 0, -0])
    t.notHas(decode({ ...EVENT, revision }).call!, { revision: 0 });
  for (const revision of [1, 7, Number.MAX_SAFE_INTEGER]) {
    t.same(decode({ ...EVENT, revision }).call, { ...decode(EVENT).call, revision });
  }
  t.same(
    text(JSON.stringify({ ...EVENT, revision: 0 }).replace('"revision":0', '"revision":1e3')).call?.revision,
    1_000,
  );
  for (const deleted of [undefined, null, false]) t.same(decode({ ...EVENT, deleted }), decode(EVENT));
});

test('a deleted call needs only its ids and a revision, and nothing else costs it', async (t) => {
  const deletion = { call_id: 'c-1', user_id: 'u-1', revision: 1, deleted: true };
  const call = { callId: 'c-1', userId: 'u-1', revision: 1, deleted: true };
  t.same(decode(deletion), { call });
  t.same(
    decode({ ...EVENT, ...deletion, agent_id: 'a', status: 'busy' }),
    { call },
    'with the whole event beside it',
  );
  t.same(
    decode({
      ...deletion,
      started_at: 7,
      duration_seconds: -1,
      ended_at: 'x',
      agent_id: ' ',
      direction: {},
      status: 4,
    }),
    { call, dropped: ['started_at', 'duration_seconds', 'ended_at', 'agent_id', 'direction', 'status'] },
  );
  t.same(decode({ specversion: '1.0', data: deletion }), { call });
});
