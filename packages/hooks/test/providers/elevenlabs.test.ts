import { test } from 'tap';
import { callOf, counted, eventOf, expected, ordersOf, payload, read } from '../reading.ts';
import { testSignatures, testStaleness, vectorsOf, verdict } from '../signed.ts';

const TRANSCRIPTION = 'elevenlabs-post-call-transcription.json';
const FAILURE = 'elevenlabs-call-initiation-failure.json';

type Fields = Record<string, unknown>;

/** The example of a transcription with some fields of its data and of their metadata changed. */
const transcription = (data: Fields, metadata: Fields = {}) => {
  const example = JSON.parse(payload(TRANSCRIPTION));
  Object.assign(example.data.metadata, metadata);
  return { ...example, data: { ...example.data, ...data } };
};
const failure = (data: Fields) => {
  const example = JSON.parse(payload(FAILURE));
  return { ...example, data: { ...example.data, ...data } };
};
const rejection = (body: unknown, definition = {}) => {
  const [reading] = read('elevenlabs', body, definition);
  return reading && 'rejection' in reading ? reading.rejection : reading;
};

test('a transcription is a call, and so is a failure to place one', async (t) => {
  t.same(
    eventOf('elevenlabs', payload(TRANSCRIPTION), { user: { from: 'data.user_id' } }),
    expected(TRANSCRIPTION),
  );
  t.same(eventOf('elevenlabs', payload(FAILURE)), expected(FAILURE));
});

test('statuses of conversations are ours', async (t) => {
  const status = (data: Fields, metadata: Fields = {}) =>
    eventOf('elevenlabs', transcription(data, metadata))?.status;
  t.equal(status({ status: 'done' }), 'completed');
  t.equal(status({ status: 'failed' }), 'failed');
  t.equal(status({ status: 'processing' }), 'processing');
  t.equal(status({ status: null }), undefined);
  for (const call_result of ['voicemail', 'busy', 'no_answer', 'failed'])
    t.equal(status({}, { phone_call: { direction: 'outbound', call_result } }), call_result);
  t.equal(status({}, { phone_call: { call_result: 'answered' } }), 'completed');
  t.equal(
    status({}, { features_usage: { voicemail_detection: { enabled: true, used: true } } }),
    'voicemail',
  );
  t.equal(
    status({}, { features_usage: { voicemail_detection: { enabled: true, used: false } } }),
    'completed',
  );
});

test('a call that could not be placed failed, unless the reason says more', async (t) => {
  const reasons = {
    busy: 'busy',
    'no-answer': 'no_answer',
    no_answer: 'no_answer',
    canceled: 'canceled',
    unknown: 'failed',
    'sip 503': 'failed',
    completed: 'failed',
  };
  for (const [failure_reason, status] of Object.entries(reasons))
    t.equal(eventOf('elevenlabs', failure({ failure_reason }))?.status, status, failure_reason);
  t.equal(eventOf('elevenlabs', failure({ failure_reason: null }))?.status, 'failed');
});

test('without a telephone a conversation came by the web', async (t) => {
  const direction = (metadata: Fields, definition = {}) =>
    eventOf('elevenlabs', transcription({}, metadata), definition)?.direction;
  t.equal(direction({ phone_call: { direction: 'outbound' } }, { direction: 'inbound' }), 'outbound');
  t.equal(direction({ phone_call: null }), 'web');
  t.equal(direction({ phone_call: undefined, conversation_initiation_source: 'react_sdk' }), 'web');
  t.equal(direction({ phone_call: null }, { direction: 'inbound' }), 'inbound');
  for (const conversation_initiation_source of ['genesys', 'sip_trunk', 'twilio'])
    t.equal(direction({ phone_call: null, conversation_initiation_source }), undefined);
  t.equal(direction({ phone_call: {} }), undefined);
});

test('seconds may be text or have fractions; where no start is told the call ended when the webhook was sent', async (t) => {
  const times = (metadata: Fields) => {
    const { started_at, duration_seconds } = eventOf('elevenlabs', transcription({}, metadata)) ?? {};
    return [started_at, duration_seconds];
  };
  t.same(times({ start_time_unix_secs: '1772357400', call_duration_secs: '84' }), [
    '2026-03-01T09:30:00Z',
    84,
  ]);
  t.same(times({ start_time_unix_secs: 1_772_357_400.5, call_duration_secs: 84.25 }), [
    '2026-03-01T09:30:00.5Z',
    84.25,
  ]);
  for (const start_time_unix_secs of [0, '0', null, undefined, ''])
    t.same(times({ start_time_unix_secs }), ['2026-03-01T09:30:08Z', 84], String(start_time_unix_secs));
  const failed = eventOf('elevenlabs', transcription({ status: 'failed', metadata: null }));
  t.match(failed, { started_at: '2026-03-01T09:31:32Z', duration_seconds: 0, status: 'failed' });
});

test('what is missing or wrong is named', async (t) => {
  t.match(rejection(transcription({ conversation_id: '' })), { field: 'data.conversation_id' });
  t.match(rejection(transcription({}, { call_duration_secs: null })), {
    field: 'data.metadata.call_duration_secs',
  });
  t.match(rejection(transcription({}, { call_duration_secs: -1 })), { code: 'DURATION_INVALID' });
  t.match(rejection(transcription({}, { start_time_unix_secs: 'x' })), {
    field: 'data.metadata.start_time_unix_secs',
  });
  t.match(rejection({ ...failure({}), event_timestamp: null }), {
    code: 'FIELD_MISSING',
    field: 'event_timestamp',
  });
  t.match(rejection(failure({}), { user: { from: 'data.user_id' } }), { field: 'data.user_id' });
  t.match(rejection('data=1'), { code: 'EVENT_NOT_JSON' });
  t.equal(
    eventOf('elevenlabs', transcription({ agent_id: ' a' }))?.agent_id,
    undefined,
    'an agent is not needed',
  );
});

test('audio, writing and whatever else is no call', async (t) => {
  for (const type of ['post_call_audio', 'speech_to_text_transcription', undefined, 7])
    t.match(read('elevenlabs', { ...transcription({}), type }), [{ skipped: /does not take/ }], String(type));
  t.match(read('elevenlabs', transcription({}, { text_only: true })), [{ skipped: /in writing/ }]);
  t.match(read('elevenlabs', payload(FAILURE), { events: ['post_call_transcription'] }), [
    { skipped: String },
  ]);
});

test('a transcription that comes again is the same call', async (t) => {
  const once = eventOf('elevenlabs', payload(TRANSCRIPTION));
  const again = eventOf('elevenlabs', { ...transcription({}), event_timestamp: 1_772_357_999 });
  t.same(again, once);
  const another = eventOf('elevenlabs', payload(FAILURE));
  for (const order of ordersOf([once, again, another])) {
    t.same(counted(order.filter((event) => event !== another)), callOf(once));
    t.equal(new Set(order.map((event) => callOf(event).callId)).size, 2);
  }
});

test('only ElevenLabs can sign', async (t) => {
  testSignatures(t, 'elevenlabs', {
    secrets: ['wsec_0123456789abcdef0123456789abcdee', 'x'],
    headers: ['elevenlabs-signature'],
    encoding: 'hex',
  });
  testStaleness(t, 'elevenlabs', 1_772_357_492_000, 30 * 60_000);
});

test('the time is signed, too, and v0 is the only version', async (t) => {
  const vector = vectorsOf('elevenlabs')[0]!;
  const header = vector.headers['elevenlabs-signature']!;
  const is = (value: string) => verdict('elevenlabs', vector, { headers: { 'elevenlabs-signature': value } });
  t.equal(is(header.replace('t=1772357492', 't=1772357493')), 'SIGNATURE_INVALID');
  for (const bad of [
    header.replace('v0', 'v1'),
    header.replace(',', ';'),
    header.replace(/t=\d+,/, ''),
    header.replace(/,.*/, ''),
  ])
    t.equal(is(bad), 'SIGNATURE_MISSING', bad);
});
