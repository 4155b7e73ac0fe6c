import { test } from 'tap';
import { callOf, eventOf, expected, payload, RECEIVED_AT, read } from '../reading.ts';
import { testSignatures, testStaleness, type Vector, vectorsOf, verdict } from '../signed.ts';

const FROM_METADATA = { user: { from: 'call.metadata.user_id' } };
const ANALYZED = { events: ['call_analyzed'] };
const example = (name: string) => JSON.parse(payload(`retell-${name}.json`));
const ended = (call: object, name = 'call-ended') => {
  const event = example(name);
  Object.assign(event.call, call);
  return event;
};

test('the end of a call is a call, whichever of the two webhooks tells it', async (t) => {
  const event = eventOf('retell', example('call-ended'), FROM_METADATA);
  t.same(event, expected('retell-call-ended.json'));
  t.equal(callOf(event).durationMs, 84_250, 'milliseconds');
  const analyzed = eventOf('retell', example('call-analyzed'), { ...FROM_METADATA, ...ANALYZED });
  t.same(analyzed, expected('retell-call-analyzed.json'));
  t.same(analyzed, event, 'the other one would be a duplicate');
});

test('a call that was not connected starts when its webhook first arrives', async (t) => {
  const [reading] = read('retell', example('call-not-connected'), FROM_METADATA);
  const started_at = new Date(RECEIVED_AT).toISOString();
  t.same(reading, {
    event: { ...expected('retell-call-not-connected.json'), started_at },
    startsAtReceipt: true,
  });
  const timed = read('retell', ended({ end_timestamp: 1772357400000 }, 'call-not-connected'));
  t.match(timed, [{ event: { started_at: '2026-03-01T09:30:00.000Z', duration_seconds: 0 } }]);
  t.notOk('startsAtReceipt' in timed[0]!, 'a time of the payload is better');
});

test('a hook takes the webhook that it has chosen, and no other one', async (t) => {
  t.match(read('retell', example('call-analyzed')), [{ skipped: String }]);
  t.match(read('retell', example('call-ended'), ANALYZED), [{ skipped: String }]);
  for (const event of ['call_started', 'transfer_ended', 'chat_ended', undefined, ['call_ended'], 1])
    t.match(read('retell', { ...example('call-ended'), event }), [{ skipped: String }], String(event));
});

test('reasons are statuses, all that the API names; a new one is kept as it came', async (t) => {
  const reasons: Record<string, string> = {
    completed: `user_hangup agent_hangup call_transfer ivr_reached inactivity max_duration_reached transfer_bridged
      transfer_cancelled manual_stopped call_take_over`,
    voicemail: 'voicemail_reached',
    busy: 'dial_busy',
    no_answer: 'dial_no_answer',
    failed: `concurrency_limit_reached no_concurrency_fallback no_valid_payment scam_detected dial_failed invalid_destination
      telephony_provider_permission_denied telephony_provider_unavailable sip_routing_error marked_as_spam user_declined
      error_llm_websocket_open error_llm_websocket_lost_connection error_llm_websocket_runtime
      error_llm_websocket_corrupt_payload error_no_audio_received error_asr error_retell error_unknown error_user_not_joined
      registered_call_timeout error_of_tomorrow`,
    new_reason: 'new_reason',
    toString: 'toString',
  };
  for (const [status, list] of Object.entries(reasons)) {
    for (const disconnection_reason of list.split(/\s+/))
      t.equal(
        callOf(eventOf('retell', ended({ disconnection_reason }))).status,
        status,
        disconnection_reason,
      );
  }
  const without = (call_status: unknown) =>
    eventOf('retell', ended({ disconnection_reason: null, call_status }))?.status;
  t.same(['ended', 'error', 'not_connected', undefined].map(without), [
    'completed',
    'failed',
    'failed',
    undefined,
  ]);
});

test('a voicemail that the analysis finds is one', async (t) => {
  const status = (in_voicemail: unknown) =>
    eventOf('retell', ended({ call_analysis: { in_voicemail } }, 'call-analyzed'), ANALYZED)?.status;
  t.same([true, false, undefined].map(status), ['voicemail', 'completed', 'completed']);
});

test('a web call has no direction; a direction that is missing is that of the hook', async (t) => {
  const direction = (call: object, definition = {}) => eventOf('retell', ended(call), definition)?.direction;
  t.equal(direction({ call_type: 'web_call', direction: undefined }), 'web');
  t.equal(direction({ direction: 'inbound' }, { direction: 'outbound' }), 'inbound');
  t.equal(direction({ direction: null }, { direction: 'outbound' }), 'outbound');
  t.notOk('direction' in eventOf('retell', ended({ direction: undefined }))!);
});

test('times may be texts, and one of start, end and duration may be missing', async (t) => {
  const times = (call: object) => {
    const { startedAt, durationMs } = callOf(eventOf('retell', ended(call)));
    return [startedAt, durationMs];
  };
  const right = [1772357400000, 84_250];
  const texts = { start_timestamp: '1772357400000', end_timestamp: '1772357484250', duration_ms: '84250' };
  for (const call of [
    {},
    texts,
    { duration_ms: null },
    { end_timestamp: undefined },
    { start_timestamp: undefined },
  ])
    t.same(times(call), right, JSON.stringify(call));
  t.same(times({ duration_ms: 0 }), [1772357400000, 0]);
});

test('what the call needs and is not there is named', async (t) => {
  const rejection = (body: unknown, definition = {}) => {
    const [reading] = read('retell', body, definition);
    return reading && 'rejection' in reading ? reading.rejection : undefined;
  };
  t.equal(rejection(ended({ call_id: undefined }))?.field, 'call.call_id');
  t.equal(rejection({ event: 'call_ended' })?.field, 'call.call_id');
  t.equal(rejection(ended({ start_timestamp: '2026-03-01T09:30:00Z' }))?.field, 'call.start_timestamp');
  t.equal(rejection(ended({ duration_ms: -1 }))?.code, 'DURATION_INVALID');
  t.equal(rejection(ended({ duration_ms: '84 s' }))?.field, 'call.duration_ms');
  t.equal(rejection(ended({ duration_ms: null, end_timestamp: null }))?.field, 'call.duration_ms');
  t.equal(
    rejection(ended({ duration_ms: null, end_timestamp: 1772357399000 }))?.code,
    'ENDED_BEFORE_STARTED',
  );
  t.match(rejection(ended({ metadata: undefined }), FROM_METADATA), {
    code: 'FIELD_MISSING',
    message: /^call\.metadata\.user_id is missing; .*another path/,
  });
  t.throws(
    () => callOf(eventOf('retell', ended({ start_timestamp: null, duration_ms: 1e300 }))),
    /duration_seconds/,
  );
});

test('only Retell can sign', async (t) => {
  testSignatures(t, 'retell', {
    secrets: ['key_of_another_account', ''],
    headers: ['x-retell-signature'],
    encoding: 'hex',
  });
  testStaleness(t, 'retell', 1_772_357_486_123, 5 * 60_000);
  const [vector] = vectorsOf('retell') as [Vector];
  const signed = vector.headers['x-retell-signature']!;
  const of = (header: string) => verdict('retell', vector, { headers: { 'x-retell-signature': header } });
  t.equal(of(signed.replace('86123', '86124')), 'SIGNATURE_INVALID', 'the time is signed, too');
  t.equal(of(signed.toUpperCase()), undefined, 'as their library reads it');
  for (const bad of ['v=,d=', signed.replace('v=', 't='), signed.replace(',', ', '), signed.split(',')[1]!])
    t.equal(of(bad), 'SIGNATURE_MISSING', bad);
});
