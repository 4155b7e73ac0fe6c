import { test } from 'tap';
import { callOf, eventOf, expected, payload, RECEIVED_AT, read } from '../reading.ts';

const example = payload('twilio-status-callback.txt').trim();

/** The example with some parameters changed; undefined leaves one out. */
const callback = (parameters: Record<string, string | undefined>) => {
  const form = new URLSearchParams(example);
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) form.delete(name);
    else form.set(name, value);
  }
  return form.toString();
};
const rejection = (body: string, definition = {}) => {
  const [reading] = read('twilio', body, definition);
  return reading && 'rejection' in reading ? reading.rejection : reading;
};

test('a callback is a call that began its duration before it ended', async (t) => {
  for (const name of ['twilio-status-callback.txt', 'twilio-status-callback-no-answer.txt'])
    t.same(eventOf('twilio', payload(name).trim()), expected(name), name);
});

test('a call ends with one of five statuses', async (t) => {
  const statuses = {
    completed: 'completed',
    busy: 'busy',
    failed: 'failed',
    'no-answer': 'no_answer',
    canceled: 'canceled',
  };
  for (const [CallStatus, status] of Object.entries(statuses))
    t.equal(eventOf('twilio', callback({ CallStatus }))?.status, status);
  for (const AnsweredBy of ['machine_start', 'machine_end_beep'])
    t.equal(eventOf('twilio', callback({ AnsweredBy }))?.status, 'voicemail', AnsweredBy);
  for (const AnsweredBy of ['human', 'fax', 'unknown'])
    t.equal(eventOf('twilio', callback({ AnsweredBy }))?.status, 'completed', AnsweredBy);
});

test('what goes on is no call yet, and an unknown status is not guessed', async (t) => {
  for (const CallStatus of ['queued', 'initiated', 'ringing', 'in-progress', 'answered'])
    t.match(read('twilio', callback({ CallStatus })), [{ skipped: /has not ended/ }], CallStatus);
  t.match(read('twilio', callback({ CallStatus: undefined })), [{ skipped: /no CallStatus/ }]);
  t.match(rejection(callback({ CallStatus: 'dialing' })), {
    code: 'FIELD_INVALID',
    message: /^CallStatus is "dialing"; it must be one of queued, /,
  });
});

test('a leg that another call dialed is not counted', async (t) => {
  for (const parameters of [
    { ParentCallSid: 'CA1', Direction: 'outbound-dial' },
    { ParentCallSid: 'CA1' },
    { Direction: 'outbound-dial' },
  ]) {
    t.match(read('twilio', callback(parameters)), [{ skipped: /^a leg / }]);
  }
});

test('directions are ours', async (t) => {
  const directions = {
    inbound: 'inbound',
    'outbound-api': 'outbound',
    'trunking-originating': 'inbound',
    'trunking-terminating': 'outbound',
  };
  for (const [Direction, direction] of Object.entries(directions))
    t.equal(eventOf('twilio', callback({ Direction }))?.direction, direction);
  t.equal(eventOf('twilio', callback({ Direction: undefined }), { direction: 'web' })?.direction, 'web');
});

test('seconds are CallDuration, never Duration, which is minutes', async (t) => {
  t.equal(eventOf('twilio', callback({ CallDuration: '0' }))?.duration_seconds, 0);
  t.equal(
    eventOf('twilio', callback({ CallDuration: undefined, CallStatus: 'busy' }))?.duration_seconds,
    0,
    'nobody answered',
  );
  t.match(rejection(callback({ CallDuration: undefined })), { code: 'FIELD_MISSING', field: 'CallDuration' });
  for (const CallDuration of ['-1', 'abc', '84 s', '604801', '9'.repeat(20)])
    t.match(rejection(callback({ CallDuration })), { code: 'DURATION_INVALID', field: 'CallDuration' });
});

test('times may be RFC 2822 of any zone, or RFC 3339', async (t) => {
  for (const Timestamp of [
    'Sun, 01 Mar 2026 10:31:24 +0100',
    '1 Mar 2026 09:31:24 GMT',
    '2026-03-01T09:31:24Z',
  ]) {
    t.equal(eventOf('twilio', callback({ Timestamp }))?.started_at, '2026-03-01T09:30:00Z', Timestamp);
  }
  for (const Timestamp of ['Sun, 30 Feb 2026 09:31:24 +0000', 'yesterday', '1772357484'])
    t.match(rejection(callback({ Timestamp })), { code: 'FIELD_INVALID', field: 'Timestamp' }, Timestamp);
});

test('without a time the call ended when the callback came, and the reading says so', async (t) => {
  const [reading] = read('twilio', callback({ Timestamp: undefined }));
  t.match(reading, {
    event: { started_at: '2026-03-01T09:38:36Z', duration_seconds: 84 },
    startsAtReceipt: true,
  });
  t.equal(callOf((reading as { event: unknown }).event).startedAt, RECEIVED_AT - 84_000);
  t.notOk('startsAtReceipt' in read('twilio', example)[0]!);
});

test('a user is the account, or a parameter of the address', async (t) => {
  const account = eventOf('twilio', example, { user: { from: 'AccountSid' } });
  t.equal(account?.user_id, 'AC00000000000000000000000000000042');
  const url = 'https://calls.example/hooks/twilio/hook_7f0c?tenant=u%2D7&x=1';
  t.equal(eventOf('twilio', example, { user: { from: 'query.tenant' } }, { url })?.user_id, 'u-7');
  t.match(rejection(example, { user: { from: 'query.tenant' } }), {
    code: 'FIELD_MISSING',
    field: 'query.tenant',
  });
  t.match(rejection(callback({ CallSid: '' })), { code: 'FIELD_MISSING', field: 'CallSid' });
});

test('a hook takes callbacks only if it says so', async (t) => {
  t.match(read('twilio', example, { events: ['summary-complete'] }), [{ skipped: /event callback/ }]);
});
