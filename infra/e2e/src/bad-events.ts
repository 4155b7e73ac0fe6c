import type { CompletedCallEvent } from '@calltally/contract';

/** A message that must become a dead letter, and the expected code. */
interface BadEvent {
  name: string;
  key: string | null;
  value: Buffer | null;
  code: string;
}

type Fields = Record<string, unknown>;

const NO_STRINGS = [1, 0, -1, 1.5, true, false, {}, [], ['x'], { x: 1 }];
const NO_IDS = [
  ' ',
  ' a',
  'a ',
  '\u00a0a',
  'a\u3000',
  'a\u2028',
  '\ufeffa',
  '\u0000',
  'a\u0000b',
  'a\n',
  'a\tb',
  'a\u007fb',
  'a\u0085b',
  '\u009b31ma',
  'x'.repeat(257),
  '💬'.repeat(257),
  '\ud83d',
  'a\udfffb',
  '\ude00\ud83d',
];
const NO_INSTANTS = [
  '',
  'yesterday',
  '2026-03-01',
  '2026-03-01T10:00',
  '2026-03-01T10:00:00',
  '2026-02-30T10:00:00Z',
  '2025-02-29T10:00:00Z',
  '2026-13-01T10:00:00Z',
  '2026-00-01T10:00:00Z',
  '2026-03-00T10:00:00Z',
  '2026-03-01T24:00:00Z',
  '2026-03-01T10:60:00Z',
  '2026-03-01T10:00:60Z',
  '2026-03-01T10:00:00+25:00',
  '2026-03-01T10:00:00 Z',
  ' 2026-03-01T10:00:00Z',
  '2026-03-01T10:00:00Z\u0000',
  '2026-03-01T10:00:00ZZ',
  '20260301T100000Z',
  '1772359200',
  '٢٠٢٦-03-01T10:00:00Z',
];
const NO_DURATIONS = ['60', '', true, {}, [], [60], -1, -0.001, 604_800.001, 1e9, 1e300];

/** At least 200 kinds of messages that cannot be counted. */
export function badEvents(good: (i: number) => CompletedCallEvent, nowMs: number): BadEvent[] {
  const kinds: Omit<BadEvent, 'key'>[] = [];
  let made = 0;
  const raw = (name: string, value: Buffer | string | null, code: string) =>
    kinds.push({ name, value: typeof value === 'string' ? Buffer.from(value) : value, code });
  const spoiled = (name: string, code: string, fields: Fields, drop: string[] = []) => {
    // Without an end, because a broken duration would contradict it.
    const event: Fields = { ...good(made++), ended_at: null, ...fields };
    for (const field of drop) delete event[field];
    raw(name, JSON.stringify(event), code);
  };

  raw('tombstone', null, 'EVENT_EMPTY');
  raw('empty', '', 'EVENT_EMPTY');
  const text = JSON.stringify(good(made++));
  for (const [i, value] of [
    ' ',
    '{',
    '}',
    '{]',
    'null,',
    '{"a":}',
    "{'a':1}",
    '{a:1}',
    'undefined',
    'NaN',
    'hello',
    '<call/>',
    'a,b,c',
    `${text}${text}`,
    `${text},`,
    text.slice(0, -1),
    text.slice(1),
    `\ufeff${text}`,
    `// ${text}`,
    '{"a":1,}',
    '[1,2',
    '"open',
    '\u0000',
    '{"a":"\u0001"}',
    '01',
    '+1',
    '.5',
    "'x'",
  ].entries()) {
    raw(`not JSON ${i}`, value, 'EVENT_NOT_JSON');
  }
  for (const value of [
    'null',
    'true',
    '1',
    '"text"',
    '[]',
    '[{}]',
    `[${text}]`,
    `${'['.repeat(9_000)}${']'.repeat(9_000)}`,
  ]) {
    raw(`not an object: ${value.slice(0, 20)}`, value, 'EVENT_NOT_OBJECT');
  }
  raw('Latin-1', Buffer.from(text.replace('{', '{"name":"é",'), 'latin1'), 'EVENT_NOT_UTF8');
  raw('cut in a character', Buffer.concat([Buffer.from(text), Buffer.from([0xe2, 0x82])]), 'EVENT_NOT_UTF8');
  raw('gzip inside', Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0xff, 0xfe]), 'EVENT_NOT_UTF8');
  raw('UTF-16', Buffer.from(`\ufeff${text}`, 'utf16le'), 'EVENT_NOT_UTF8');
  spoiled('64 KiB and more', 'EVENT_TOO_LARGE', { notes: 'x'.repeat(65_536) });
  spoiled('almost a megabyte', 'EVENT_TOO_LARGE', { notes: 'x'.repeat(950_000) });
  raw('empty object', '{}', 'FIELD_MISSING');
  raw('deep nesting', `{"a":${'{"a":'.repeat(8_000)}1${'}'.repeat(8_000)}}`, 'FIELD_MISSING');
  raw('only a prototype', '{"__proto__":{"call_id":"c","user_id":"u"}}', 'FIELD_MISSING');
  raw('field names in other letters', text.replace('call_id', 'Call_Id'), 'FIELD_MISSING');
  for (const field of ['call_id', 'user_id', 'started_at']) {
    spoiled(`${field} missing`, 'FIELD_MISSING', {}, [field]);
    spoiled(`${field} null`, 'FIELD_MISSING', { [field]: null });
  }
  for (const field of ['call_id', 'user_id']) {
    for (const value of [...NO_STRINGS, '', ...NO_IDS]) {
      spoiled(`${field} ${JSON.stringify(value).slice(0, 20)}`, 'FIELD_INVALID', { [field]: value });
    }
  }
  for (const value of [...NO_STRINGS, ...NO_IDS]) {
    spoiled(`agent_id ${JSON.stringify(value).slice(0, 20)}`, 'FIELD_INVALID', { agent_id: value });
  }
  for (const value of [...NO_STRINGS, ...NO_INSTANTS]) {
    spoiled(`started_at ${JSON.stringify(value)}`, 'STARTED_AT_INVALID', { started_at: value });
    spoiled(`ended_at ${JSON.stringify(value)}`, 'ENDED_AT_INVALID', { ended_at: value }, [
      'duration_seconds',
    ]);
  }
  for (const minutes of [6, 60, 1_440, 5_000_000]) {
    const startedAt = new Date(nowMs + minutes * 60_000).toISOString();
    spoiled(`${minutes} minutes ahead`, 'STARTED_AT_IN_FUTURE', { started_at: startedAt });
  }
  for (const startedAt of [
    '9999-12-31T23:59:59Z',
    '9999-12-31T23:59:59-01:00',
    '9999-12-31T00:00:00-23:59',
  ]) {
    spoiled(`at the end of years: ${startedAt}`, 'STARTED_AT_IN_FUTURE', { started_at: startedAt });
  }
  for (const startedAt of [
    '1999-12-31T23:59:59.999Z',
    '1970-01-01T00:00:00Z',
    '0001-01-01T00:00:00Z',
    '0001-01-01T00:00:00+01:00',
    '0000-02-29T12:00:00Z',
    '0000-01-01T00:00:00+23:59',
  ]) {
    spoiled(`before 2000: ${startedAt}`, 'STARTED_AT_TOO_OLD', { started_at: startedAt });
  }
  for (const value of [...NO_STRINGS.filter((one) => one !== 1 && one !== 0), '', '1', -0.5, 1e20, 2 ** 53]) {
    spoiled(`revision ${JSON.stringify(value)}`, 'FIELD_INVALID', { revision: value });
  }
  for (const value of [0, 1, '', 'true', {}, []]) {
    spoiled(`deleted ${JSON.stringify(value)}`, 'FIELD_INVALID', { deleted: value, revision: 1 });
  }
  spoiled('deleted without a revision', 'FIELD_MISSING', { deleted: true });
  spoiled('deleted at revision null', 'FIELD_MISSING', { deleted: true, revision: null });
  spoiled('deleted at revision 0', 'FIELD_INVALID', { deleted: true, revision: 0 });
  spoiled('deleted, of nobody', 'FIELD_MISSING', { deleted: true, revision: 1 }, ['user_id']);
  for (const value of NO_DURATIONS) {
    spoiled(`duration_seconds ${JSON.stringify(value)}`, 'DURATION_INVALID', { duration_seconds: value });
  }
  raw(
    'duration beyond a double',
    text.replace(/"duration_seconds":[^,}]+/, '"duration_seconds":1e400'),
    'DURATION_INVALID',
  );
  spoiled('no duration and no end', 'DURATION_MISSING', {}, ['duration_seconds', 'ended_at']);
  spoiled('neither, both null', 'DURATION_MISSING', { duration_seconds: null, ended_at: null });
  const { started_at: startedAt } = good(made++);
  const after = (ms: number) => new Date(new Date(startedAt).getTime() + ms).toISOString();
  for (const ms of [-1, -86_400_000]) {
    spoiled(
      `ended ${ms} ms after it started`,
      'ENDED_BEFORE_STARTED',
      { started_at: startedAt, ended_at: after(ms) },
      ['duration_seconds'],
    );
  }
  spoiled(
    'eight days by its end',
    'DURATION_INVALID',
    { started_at: startedAt, ended_at: after(8 * 86_400_000) },
    ['duration_seconds'],
  );
  for (const [name, durationMs] of [
    ['milliseconds as seconds', 84_250_000],
    ['a millisecond more than a second longer', 85_251],
  ] as const) {
    spoiled(`${name} beside an end`, 'DURATION_LONGER_THAN_CALL', {
      started_at: startedAt,
      ended_at: after(84_250),
      duration_seconds: durationMs / 1000,
    });
  }
  const cloudEvent = { specversion: '1.0', id: 'e', source: '/e2e', type: 'call.completed' };
  const inCloudEvent = (name: string, code: string, fields: Fields) =>
    raw(`CloudEvent, ${name}`, JSON.stringify({ ...cloudEvent, ...fields }), code);
  inCloudEvent('of another version', 'FIELD_INVALID', { specversion: '0.3', data: good(made++) });
  inCloudEvent('of a version that is a number', 'FIELD_INVALID', { specversion: 1, data: good(made++) });
  inCloudEvent('without data', 'FIELD_MISSING', {});
  inCloudEvent('data that is null', 'FIELD_MISSING', { data: null });
  inCloudEvent('data and bytes', 'FIELD_INVALID', { data: good(made++), data_base64: 'e30=' });
  inCloudEvent('bytes that are no base64', 'FIELD_INVALID', { data_base64: text });
  inCloudEvent('bytes that are no UTF-8', 'EVENT_NOT_UTF8', { data_base64: '/w==' });
  inCloudEvent('bytes that are no JSON', 'EVENT_NOT_JSON', { data_base64: 'PGNhbGwvPg==' });
  inCloudEvent('a text', 'EVENT_NOT_OBJECT', { data: text });
  inCloudEvent('a batch in it', 'EVENT_NOT_OBJECT', { data: [good(made++)] });
  inCloudEvent('a spoilt event', 'FIELD_INVALID', { data: { ...good(made++), user_id: '' } });
  inCloudEvent('another one in it', 'FIELD_MISSING', { data: { ...cloudEvent, data: good(made++) } });
  raw('batch of CloudEvents', JSON.stringify([{ ...cloudEvent, data: good(made++) }]), 'EVENT_NOT_OBJECT');

  return kinds.map((kind, i) => ({ ...kind, key: i % 5 === 0 ? null : `bad-${i % 7}` }));
}
