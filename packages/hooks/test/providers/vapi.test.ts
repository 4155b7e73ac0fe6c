import { createHash } from 'node:crypto';
import { type HookAuth, type HookRequest, type HookSecret, PROVIDERS } from '@calltally/hooks';
import { test } from 'tap';
import { callOf, eventOf, expected, payload, RECEIVED_AT, read } from '../reading.ts';
import { type Vector, vectorsOf } from '../signed.ts';

const FROM_METADATA = { user: { from: 'message.call.metadata.user_id' } };
const example = (name = '') => JSON.parse(payload(`vapi-end-of-call-report${name}.json`));
const report = (message: object, call: object = {}, name = '') => {
  const body = example(name);
  Object.assign(body.message, message);
  Object.assign(body.message.call, call);
  return body;
};

test('the report at the end of a call is a call', async (t) => {
  const event = eventOf('vapi', example(), FROM_METADATA);
  t.same(event, expected('vapi-end-of-call-report.json'));
  t.equal(callOf(event).durationMs, 84_250);
  const never = eventOf('vapi', example('-never-started'), FROM_METADATA);
  t.same(never, expected('vapi-end-of-call-report-never-started.json'));
  t.equal(callOf(never).durationMs, 0);
});

test('other messages are none', async (t) => {
  for (const type of ['status-update', 'hang', 'tool-calls', 'transcript', 'assistant-request', undefined, 1])
    t.match(read('vapi', report({ type })), [{ skipped: String }], String(type));
  for (const body of ['{}', '[]', 'null', '"end-of-call-report"'])
    t.match(read('vapi', body), [{ skipped: String }]);
});

test('ended reasons are statuses; a new one is kept as it came, unless it tells an error', async (t) => {
  const reasons: Record<string, string> = {
    completed: `assistant-ended-call assistant-forwarded-call assistant-said-end-call-phrase customer-ended-call
      customer-ended-call-during-transfer exceeded-max-duration silence-timed-out vonage-completed
      call.in-progress.twilio-completed-call call.ending.hook-executed-transfer`,
    busy: 'customer-busy call.forwarding.operator-busy',
    no_answer: 'customer-did-not-answer call.forwarding.no-answer',
    canceled:
      'manually-canceled scheduled-call-deleted call.ringing.sip-inbound-caller-hungup-before-call-connect',
    voicemail: 'voicemail',
    failed: `call.start.error-get-assistant call-start-error-neither-assistant-nor-server-set assistant-not-found
      assistant-request-failed assistant-join-timed-out worker-shutdown twilio-failed-to-connect-call vonage-rejected
      call.in-progress.error-vapifault-worker-died call.in-progress.error-transfer-failed pipeline-error-openai-llm-failed
      call.in-progress.error-providerfault-outbound-sip-480-temporarily-unavailable
      call.in-progress.error-vapifault-eleven-labs-system-busy-and-requested-upgrade pipeline-no-available-llm-model
      phone-call-provider-closed-websocket error-of-tomorrow`,
    'customer-fell-asleep': 'customer-fell-asleep',
    toString: 'toString',
  };
  for (const [status, list] of Object.entries(reasons)) {
    for (const endedReason of list.split(/\s+/))
      t.equal(callOf(eventOf('vapi', report({ endedReason }))).status, status, endedReason);
  }
  t.equal(
    eventOf('vapi', report({ endedReason: undefined }, { endedReason: 'customer-busy' }))?.status,
    'busy',
  );
  t.notOk('status' in eventOf('vapi', report({ endedReason: undefined }))!);
});

test('a direction is that of the type of the call, else that of the hook', async (t) => {
  const direction = (type: unknown, definition = {}) =>
    eventOf('vapi', report({}, { type }), definition)?.direction;
  t.equal(direction('inboundPhoneCall', { direction: 'outbound' }), 'inbound');
  t.equal(direction('outboundPhoneCall'), 'outbound');
  t.equal(direction('webCall'), 'web');
  t.equal(direction('vapi.websocketCall'), 'vapi.websocketCall');
  t.equal(direction(undefined, { direction: 'outbound' }), 'outbound');
  t.notOk('direction' in eventOf('vapi', report({}, { type: undefined }))!);
});

test('times may be epoch milliseconds, or in the call', async (t) => {
  const right = { startedAt: 1772357400000, durationMs: 84_250 };
  for (const [message, call] of [
    [{ startedAt: 1772357400000, endedAt: '1772357484250' }, {}],
    [
      { startedAt: undefined, endedAt: undefined },
      { startedAt: '2026-03-01T09:30:00Z', endedAt: '2026-03-01T10:31:24.250+01:00' },
    ],
  ] as const)
    t.match(callOf(eventOf('vapi', report(message, call))), right);
});

test('a call that was not answered starts when it was made, or else when the report first arrives', async (t) => {
  const none = { startedAt: undefined, endedAt: undefined };
  const endedOnly = eventOf('vapi', report({ ...none, endedAt: '2026-03-01T09:30:20.000Z' }));
  t.match(endedOnly, { started_at: '2026-03-01T09:29:58.112Z', duration_seconds: 0 });
  t.notOk('ended_at' in endedOnly!, 'it rang until then');
  t.match(read('vapi', report({ ...none, endedAt: '2026-03-01T09:30:20Z' }, { createdAt: null })), [
    { event: { started_at: '2026-03-01T09:30:20Z', duration_seconds: 0 } },
  ]);
  const started_at = new Date(RECEIVED_AT).toISOString();
  t.match(read('vapi', report(none, { createdAt: undefined })), [
    { event: { started_at }, startsAtReceipt: true },
  ]);
});

test('what the call needs and is not there is named', async (t) => {
  const rejection = (body: unknown, definition = {}) => {
    const [reading] = read('vapi', body, definition);
    return reading && 'rejection' in reading ? reading.rejection : undefined;
  };
  t.equal(rejection(report({}, { id: null }))?.field, 'message.call.id');
  t.equal(rejection({ message: { type: 'end-of-call-report' } })?.field, 'message.call.id');
  t.equal(rejection(report({ endedAt: undefined }))?.field, 'message.endedAt');
  t.equal(rejection(report({ startedAt: -1 }))?.field, 'message.startedAt');
  t.equal(rejection(report({}, { metadata: {} }), FROM_METADATA)?.field, 'message.call.metadata.user_id');
  t.throws(() => callOf(eventOf('vapi', report({ startedAt: '2026-03-01T09:30:00' }))), /started_at is/);
});

test('an assistant is left out if it is no id', async (t) => {
  for (const assistantId of [null, '', ' a', {}])
    t.notOk('agent_id' in eventOf('vapi', report({}, { assistantId }))!);
});

test('only who knows the secret can send', async (t) => {
  const sha256 = createHash('sha256').update('s3cret').digest('hex');
  const old: HookSecret = { kind: 'hash', sha256: createHash('sha256').update('old').digest('hex') };
  const verify = (headers: HookRequest['headers'], secrets: HookSecret[] = [old, { kind: 'hash', sha256 }]) =>
    PROVIDERS.vapi!.verify(
      { headers, body: Buffer.from('{}'), url: '/', receivedAtMs: RECEIVED_AT },
      secrets,
      { provider: 'vapi', user: { id: 'u-42' } },
    );
  for (const fine of [
    { 'x-vapi-secret': 's3cret' },
    { 'x-vapi-secret': 'old' },
    { authorization: 'Bearer s3cret' },
    { authorization: 'bearer  s3cret' },
  ])
    t.equal(verify(fine), undefined, JSON.stringify(fine));
  for (const wrong of ['S3cret', 's3cre', 's3crett', sha256, 'none'])
    for (const headers of [{ 'x-vapi-secret': wrong }, { authorization: `Bearer ${wrong}` }])
      t.equal(verify(headers), 'SIGNATURE_INVALID', JSON.stringify(headers));
  for (const missing of [
    {},
    { 'x-vapi-secret': '' },
    { 'x-vapi-secret': ['s3cret', 's3cret'] },
    { authorization: 's3cret' },
    { authorization: 'Basic s3cret' },
    { authorization: 'Bearer ' },
    { authorization: ['Bearer s3cret'] },
  ])
    t.equal(verify(missing), 'SIGNATURE_MISSING', JSON.stringify(missing));
  t.equal(verify({ 'x-vapi-secret': 's3cret' }, []), 'SIGNATURE_INVALID');
  t.equal(verify({ 'x-vapi-secret': 's3cret' }, [old]), 'SIGNATURE_INVALID', 'the secret of another hook');
});

test('an HMAC credential signs the body, with the time or without', async (t) => {
  const [timed, bare] = vectorsOf('vapi') as [Vector, Vector];
  const TIMED: HookAuth = { scheme: 'hmac-sha256', header: 'X-Signature', timestampHeader: 'X-Timestamp' };
  const BARE: HookAuth = { scheme: 'hmac-sha256', header: 'x-signature' };
  const verify = ({ secret, body, ...request }: Vector, auth: HookAuth, changes: Partial<HookRequest> = {}) =>
    PROVIDERS.vapi!.verify(
      { ...request, body: Buffer.from(body), ...changes },
      [
        { kind: 'text', text: 'another' },
        { kind: 'text', text: secret },
      ],
      { provider: 'vapi', user: { id: 'u-42' }, auth },
    );
  for (const [vector, auth, other] of [
    [timed, TIMED, BARE],
    [bare, BARE, TIMED],
  ] as const) {
    t.equal(verify(vector, auth), undefined, vector.name);
    t.not(verify(vector, other), undefined, `${vector.name}, as the other way`);
    t.equal(verify(vector, auth, { body: Buffer.from(`${vector.body} `) }), 'SIGNATURE_INVALID');
    t.equal(verify({ ...vector, secret: 'wrong' }, auth), 'SIGNATURE_INVALID');
    t.equal(verify(vector, auth, { headers: {} }), 'SIGNATURE_MISSING');
  }
  for (const [ms, fault] of [
    [5 * 60_000, undefined],
    [5 * 60_000 + 1, 'SIGNATURE_STALE'],
    [-5 * 60_000 - 1, 'SIGNATURE_STALE'],
  ] as const)
    t.equal(verify(timed, TIMED, { receivedAtMs: Number(timed.headers['x-timestamp']) * 1000 + ms }), fault);
  const kept = (auth?: HookAuth) =>
    PROVIDERS.vapi!.secretKept({ provider: 'vapi', user: { id: 'u' }, ...(auth && { auth }) });
  t.same([kept(), kept({ scheme: 'secret' }), kept(BARE)], ['hashed', 'hashed', 'encrypted']);
});
