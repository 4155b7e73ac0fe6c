import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'tap';
import { callOf, eventOf, expected, payload, read } from '../reading.ts';
import { testSignatures, testStaleness, vectorsOf, verdict } from '../signed.ts';

const hangup = () => JSON.parse(payload('telnyx-call-hangup.json'));
/** The example with some fields of the leg changed. */
const leg = (fields: Record<string, unknown>) => {
  const example = hangup();
  Object.assign(example.data.payload, fields);
  return example;
};

test('a hang-up is a call of its leg', async (t) => {
  const event = eventOf('telnyx', payload('telnyx-call-hangup.json'), {
    user: { from: 'data.payload.client_state.user_id' },
  });
  t.same(event, expected('telnyx-call-hangup.json'));
  t.equal(callOf(event).durationMs, 84_250);
});

test('causes are statuses; one that is new is kept as it came', async (t) => {
  const statuses = {
    normal_clearing: 'completed',
    time_limit: 'completed',
    user_busy: 'busy',
    no_answer: 'no_answer',
    timeout: 'no_answer',
    originator_cancel: 'canceled',
    call_rejected: 'failed',
    not_found: 'failed',
    unspecified: 'unspecified',
    media_timeout: 'media_timeout',
  };
  for (const [hangup_cause, status] of Object.entries(statuses))
    t.equal(callOf(eventOf('telnyx', leg({ hangup_cause }))).status, status, hangup_cause);
  t.equal(callOf(eventOf('telnyx', leg({ hangup_cause: null }))).status, undefined);
});

test('a direction comes from the payload, else from the hook', async (t) => {
  t.equal(eventOf('telnyx', leg({ direction: 'outgoing' }))?.direction, 'outbound');
  t.equal(eventOf('telnyx', leg({ direction: 'outgoing' }), { direction: 'inbound' })?.direction, 'outbound');
  t.equal(eventOf('telnyx', leg({ direction: undefined }), { direction: 'inbound' })?.direction, 'inbound');
  t.notOk('direction' in eventOf('telnyx', leg({ direction: undefined }))!);
});

test('what the call needs and is not there is named', async (t) => {
  const field = (body: unknown, definition = {}) => {
    const [reading] = read('telnyx', body, definition);
    return reading && 'rejection' in reading ? reading.rejection.field : reading;
  };
  t.equal(field(leg({ call_leg_id: undefined })), 'data.payload.call_leg_id');
  t.equal(field(leg({ call_leg_id: '' })), 'data.payload.call_leg_id');
  t.equal(field(leg({ start_time: null })), 'data.payload.start_time');
  t.equal(field({ data: { ...hangup().data, occurred_at: undefined } }), 'data.occurred_at');
  const path = 'data.payload.client_state.user_id';
  for (const client_state of [undefined, '', 'aGF2ZSBhIG5pY2UgZGF5ID1d', 'e30='])
    t.equal(field(leg({ client_state }), { user: { from: path } }), path, String(client_state));
});

test('other events are no calls, and what is no JSON is a fault', async (t) => {
  for (const event_type of ['call.initiated', 'call.conversation.ended', 'call.cost', undefined, 1])
    t.match(
      read('telnyx', { data: { ...hangup().data, event_type } }),
      [{ skipped: String }],
      String(event_type),
    );
  for (const body of ['', '{', 'data=1', Buffer.from([0x22, 0xff, 0x22])])
    t.match(read('telnyx', body), [{ rejection: { code: 'EVENT_NOT_JSON' } }]);
});

test('only Telnyx can sign', async (t) => {
  testSignatures(t, 'telnyx', {
    // That of RFC 8032, section 7.1, test 2; and one that is no key.
    secrets: ['PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=', 'bm9uZQ=='],
    headers: ['telnyx-signature-ed25519', 'telnyx-timestamp'],
    encoding: 'base64',
  });
  testStaleness(t, 'telnyx', 1_772_357_485_000, 5 * 60_000);
});

test('the time is signed, too, and no key of another algorithm counts', async (t) => {
  const vector = vectorsOf('telnyx')[0]!;
  const later = { ...vector.headers, 'telnyx-timestamp': '1772357486' };
  t.equal(verdict('telnyx', vector, { headers: later }), 'SIGNATURE_INVALID');

  // Its signatures are as long as those of Ed25519.
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 512 });
  const signature = sign(null, Buffer.from(`1772357485|${vector.body}`), privateKey);
  t.equal(signature.length, 64);
  const headers = { ...vector.headers, 'telnyx-signature-ed25519': signature.toString('base64') };
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  t.equal(
    verdict('telnyx', vector, { headers, secrets: [{ kind: 'text', text: pem }] }),
    'SIGNATURE_INVALID',
  );
});
