import { test } from 'tap';
import { counted, eventOf, expected, ordersOf, payload, read } from '../reading.ts';

const COMPLETE = 'twilio-insights-call-summary.json';
const PARTIAL = 'twilio-insights-call-summary-partial.json';
const ALL = ['callback', 'summary-partial', 'summary-complete'];

/** The complete summary with some fields changed. */
const summary = (fields: Record<string, unknown> = {}) => ({ ...JSON.parse(payload(COMPLETE)), ...fields });
const partial = (fields: Record<string, unknown> = {}) => ({ ...JSON.parse(payload(PARTIAL)), ...fields });
const cloudEvent = (kind: string, data: unknown) => ({
  specversion: '1.0',
  type: `com.twilio.voice.insights.${kind}`,
  source: 'AC00000000000000000000000000000042',
  id: 'EZ1',
  data,
});
const rejection = (body: unknown) => {
  const [reading] = read('twilio', body);
  return reading && 'rejection' in reading ? reading.rejection : reading;
};

test('a complete summary is a correction, a partial one is left alone', async (t) => {
  t.same(eventOf('twilio', summary()), { ...expected(COMPLETE), revision: 2 });
  t.equal(expected(PARTIAL), null);
  t.match(read('twilio', partial()), [{ skipped: /event summary-partial/ }]);
});

test('in whatever order callback and summaries come, the last complete summary counts', async (t) => {
  const definition = { events: ALL };
  const bodies = [
    payload('twilio-status-callback.txt').trim(),
    partial(),
    summary(),
    summary({ processing_version: 2, connect_duration: 85 }),
  ];
  const events = bodies.map((body) => eventOf('twilio', body, definition));
  t.same(
    events.map((event) => event?.revision),
    [undefined, 1, 2, 3],
  );
  for (let kept = 2; kept <= events.length; kept++) {
    for (const order of ordersOf(events.slice(0, kept))) {
      t.match(counted([...order, ...order]), {
        durationMs: [83_000, 84_000, 85_000][kept - 2],
        userId: 'u-42',
      });
    }
  }
});

test('a hook that takes the user from the account finds the same one in both', async (t) => {
  const definition = { events: ALL, user: { from: 'AccountSid' } };
  for (const body of [
    payload('twilio-status-callback.txt').trim(),
    partial(),
    summary(),
    [cloudEvent('call-summary.complete', summary())],
  ])
    t.equal(eventOf('twilio', body, definition)?.user_id, 'AC00000000000000000000000000000042');
});

test('Event Streams brings several events at once', async (t) => {
  const other = summary({ call_sid: 'CA2', processing_state: undefined });
  const readings = read('twilio', [
    cloudEvent('call-summary.complete', summary()),
    cloudEvent('call-summary.partial', partial()),
    cloudEvent('call-event.gateway', { call_sid: 'CA3' }),
    { ...cloudEvent('', {}), type: 'com.twilio.eventstreams.test-event' },
    cloudEvent('call-summary.complete', other),
    null,
  ]);
  t.match(readings, [
    { event: { call_id: 'CA6f1e2d3c4b5a69788796a5b4c3d2e1f0', revision: 2 } },
    { skipped: /event summary-partial/ },
    { skipped: /is no call summary/ },
    { skipped: /is no call summary/ },
    { event: { call_id: 'CA2', revision: 2 } },
    { skipped: 'no call summary' },
  ]);
  t.same(read('twilio', []), []);
});

test('states are statuses', async (t) => {
  const statuses = {
    completed: 'completed',
    answered: 'completed',
    busy: 'busy',
    fail: 'failed',
    undialed: 'failed',
    noanswer: 'no_answer',
    ringing: 'no_answer',
    canceled: 'canceled',
    redirected: 'redirected',
  };
  for (const [call_state, status] of Object.entries(statuses))
    t.equal(eventOf('twilio', summary({ call_state }))?.status, status, call_state);
  t.equal(eventOf('twilio', summary({ answered_by: 'machine_end_beep' }))?.status, 'voicemail');
  for (const call_state of ['ringing', 'answered'])
    t.match(read('twilio', partial({ call_state }), { events: ALL }), [{ skipped: /has not ended/ }]);
});

test('talk time counts; the ringing only where nothing else is known', async (t) => {
  const seconds = (fields: Record<string, unknown>) => eventOf('twilio', summary(fields))?.duration_seconds;
  t.equal(seconds({ connect_duration: '84' }), 84);
  t.equal(seconds({ connect_duration: null }), 86);
  for (const call_state of ['noanswer', 'busy', 'fail', 'canceled'])
    t.equal(seconds({ connect_duration: undefined, call_state }), 0, call_state);
  t.match(rejection(summary({ connect_duration: -1 })), { field: 'connect_duration' });
  t.match(rejection(summary({ connect_duration: null, duration: null })), { field: 'connect_duration' });
});

test('a call that was never dialed starts when it was created', async (t) => {
  const startedAt = (fields: Record<string, unknown>) => eventOf('twilio', summary(fields))?.started_at;
  t.equal(startedAt({ start_time: null }), '2026-03-01T09:29:57Z');
  t.equal(startedAt({ start_time: '', created_time: null }), '2026-03-01T09:31:24Z');
  t.match(rejection(summary({ start_time: null, created_time: null, end_time: null })), {
    field: 'start_time',
  });
});

test('legs are left out, and directions are ours', async (t) => {
  for (const fields of [{ parent_call_sid: 'CA1' }, { properties: { direction: 'outbound_dial' } }])
    t.match(read('twilio', summary(fields)), [{ skipped: /^a leg / }]);
  for (const [direction, ours] of [
    ['inbound', 'inbound'],
    ['outbound_api', 'outbound'],
    ['trunking_originating', 'inbound'],
    ['trunking_terminating', 'outbound'],
    ['__proto__', '__proto__'],
  ]) {
    t.equal(eventOf('twilio', summary({ properties: { direction } }))?.direction, ours);
  }
  t.equal(eventOf('twilio', summary({ properties: null }), { direction: 'inbound' })?.direction, 'inbound');
});

test('an odd version is the first, so that a correction is never lost', async (t) => {
  for (const processing_version of [1, '1', 0, -3, null, 'x', 1.5, 2 ** 53, 1e300])
    t.equal(eventOf('twilio', summary({ processing_version }))?.revision, 2, String(processing_version));
  t.equal(eventOf('twilio', summary({ processing_version: '7' }))?.revision, 8);
});

test('what is missing is named', async (t) => {
  t.match(rejection(summary({ call_sid: null })), { code: 'FIELD_MISSING', field: 'call_sid' });
  t.match(rejection(summary({ processing_state: null })), { field: 'processing_state' });
  t.match(rejection('{"call_state":'), { code: 'EVENT_NOT_JSON' });
});
