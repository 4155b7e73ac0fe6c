import { createHmac } from 'node:crypto';
import { keepSecret } from '@calltally/hooks';
import { newHookId, newHookSecretId } from '@calltally/store';
import { test } from 'tap';
import { HOOK_KEYS, testWorld } from '../support.ts';

const API_KEY = 'key_of_retell';
const STARTED_MS = Date.UTC(2026, 2, 1, 9, 30);

const retellCall = (id: string, more: object = {}) => ({
  event: 'call_ended',
  call: {
    call_type: 'phone_call',
    call_id: id,
    agent_id: 'agent_1',
    call_status: 'ended',
    direction: 'outbound',
    metadata: { user_id: 'u-42' },
    start_timestamp: STARTED_MS,
    end_timestamp: STARTED_MS + 84_250,
    duration_ms: 84_250,
    disconnection_reason: 'user_hangup',
    ...more,
  },
});

test('POST /hooks/{provider}/{hook}', async (t) => {
  let nowMs = Date.now();
  const world = await testWorld(t, { clock: () => nowMs });
  const { app, store, log } = world;

  async function hook(definition: Record<string, unknown>, secret = API_KEY) {
    const _id = newHookId();
    const secrets = [
      { _id: newHookSecretId(), ...keepSecret(secret, 'encrypted', _id, HOOK_KEYS), created_at: new Date() },
    ];
    await store.hooks.create({
      _id,
      provider: 'retell',
      definition: { provider: 'retell', ...definition },
      secrets,
    });
    return _id;
  }
  const signed = (body: string, key = API_KEY, atMs = nowMs) => {
    const digest = createHmac('sha256', key)
      .update(body + atMs)
      .digest('hex');
    return { 'x-retell-signature': `v=${atMs},d=${digest}`, 'content-type': 'application/json' };
  };
  const post = (url: string, body: string, headers: Record<string, string>) =>
    app.inject({ method: 'POST', url, payload: body, headers });

  const byMetadata = await hook({ user: { from: 'call.metadata.user_id' } });
  const url = `/hooks/retell/${byMetadata}`;
  let sent = 0;

  await t.test(
    'a call that is signed rightly is stored, a repetition too, and counted once by its id',
    async (t) => {
      const body = JSON.stringify(retellCall('call_1'));
      for (let times = 0; times < 2; times++) {
        const answer = await post(url, body, signed(body));
        t.equal(answer.statusCode, 200, answer.body);
        t.strictSame(answer.json().data, { accepted: 1, dead_letters: 0 });
      }
      sent += 2;
      const [first, second] = await world.messages(sent);
      t.equal(first?.key, 'u-42');
      t.match(JSON.parse(first?.value ?? ''), {
        call_id: 'call_1',
        user_id: 'u-42',
        started_at: '2026-03-01T09:30:00.000Z',
        duration_seconds: 84.25,
        status: 'completed',
      });
      t.equal(second?.value, first?.value);
    },
  );

  await t.test('what is no call is 204', async (t) => {
    const body = JSON.stringify({ ...retellCall('call_2'), event: 'call_started' });
    const answer = await post(url, body, signed(body));
    t.strictSame([answer.statusCode, answer.body], [204, '']);
  });

  await t.test('a repetition of a call that tells no start has the start of the first', async (t) => {
    const body = JSON.stringify(
      retellCall('call_3', {
        call_status: 'not_connected',
        disconnection_reason: 'dial_no_answer',
        start_timestamp: undefined,
        end_timestamp: undefined,
        duration_ms: undefined,
      }),
    );
    const receivedMs = nowMs;
    await post(url, body, signed(body));
    nowMs += 30_000;
    await post(url, body, signed(body));
    sent += 2;
    const events = (await world.messages(sent)).slice(-2).map(({ value }) => JSON.parse(value));
    t.match(events[0], { call_id: 'call_3', duration_seconds: 0, status: 'no_answer' });
    t.equal(Date.parse(events[0].started_at), receivedMs);
    t.strictSame(events[1], events[0]);
  });

  await t.test(
    'wrong, stale, foreign, changed and missing signatures are 401, and nothing is stored',
    async (t) => {
      const body = JSON.stringify(retellCall('call_4'));
      const other = await hook({ user: { id: 'u-1' } }, 'another key');
      for (const [address, headers, payload, code] of [
        [url, {}, body, 'SIGNATURE_MISSING'],
        [url, signed(body, 'wrong'), body, 'SIGNATURE_INVALID'],
        [url, signed(body), body.replace('call_4', 'call_5'), 'SIGNATURE_INVALID'],
        [url, signed(body, API_KEY, nowMs - 3_600_000), body, 'SIGNATURE_STALE'],
        [`/hooks/retell/${other}`, signed(body), body, 'SIGNATURE_INVALID'],
      ] as const) {
        const answer = await post(address, payload, headers);
        t.strictSame([answer.statusCode, answer.json().error], [401, { code }]);
      }
      t.equal((await world.messages(sent)).length, sent);
    },
  );

  await t.test(
    'two secrets are accepted while one is rotated, and the old one until it expires',
    async (t) => {
      const id = await hook({ user: { id: 'u-9' } });
      const next = { _id: newHookSecretId(), ...keepSecret('the next', 'encrypted', id, HOOK_KEYS) };
      await store.hooks.rotate(id, { ...next, created_at: new Date() }, new Date(nowMs + 60_000));
      const body = JSON.stringify(retellCall('call_6'));
      const address = `/hooks/retell/${id}`;
      t.equal((await post(address, body, signed(body))).statusCode, 200);
      t.equal((await post(address, body, signed(body, 'the next'))).statusCode, 200);
      sent += 2;
      nowMs += 61_000;
      t.equal((await post(address, body, signed(body))).statusCode, 401);
      t.equal((await post(address, body, signed(body, 'the next'))).statusCode, 200);
      sent += 1;
    },
  );

  await t.test(
    'a call that cannot be read is a dead letter with its reason and its whole body',
    async (t) => {
      const body = JSON.stringify(retellCall('call_7', { metadata: {} }));
      const answer = await post(url, body, signed(body));
      t.equal(answer.statusCode, 200, answer.body);
      t.strictSame(answer.json().data, { accepted: 0, dead_letters: 1 });
      const [letter] = await world.messages(1, 'letters');
      t.equal(letter?.value, body);
      t.match(letter?.headers, {
        'error-message': /metadata/,
        'source-hook': byMetadata,
        'source-provider': 'retell',
        'content-type': 'application/json',
      });
      const future = JSON.stringify(retellCall('call_8', { start_timestamp: nowMs + 86_400_000 }));
      t.equal((await post(url, future, signed(future))).json().data.dead_letters, 1);
      const [, second] = await world.messages(2, 'letters');
      t.equal(second?.headers['error-code'], 'STARTED_AT_IN_FUTURE');
    },
  );

  await t.test('addresses that are no hook are 404, whatever is wrong with them', async (t) => {
    const gone = await hook({ user: { id: 'u-1' } });
    await store.hooks.delete(gone);
    for (const address of [
      `/hooks/vapi/${byMetadata}`,
      `/hooks/retell/${newHookId()}`,
      `/hooks/retell/${gone}`,
      '/hooks/retell/hook_%00',
      '/hooks/__proto__/constructor',
    ]) {
      const answer = await post(address, '{}', signed('{}'));
      t.strictSame([answer.statusCode, answer.json().error], [404, { code: 'NOT_FOUND' }], address);
    }
  });

  await t.test('metrics count payloads; no secret or signature is in the log', async (t) => {
    const { payload } = await app.inject({ method: 'GET', url: '/metrics' });
    t.match(
      payload,
      /calltally_intake_hook_payloads_total\{provider="retell",outcome="dead_letter",service="intake"\} 2\n/,
    );
    t.match(
      payload,
      /calltally_intake_hook_payloads_total\{provider="retell",outcome="skipped",service="intake"\} 1\n/,
    );
    t.match(payload, /calltally_dead_letters_total\{code="STARTED_AT_IN_FUTURE",service="intake"\} 1\n/);
    const lines = log.join('');
    t.match(lines, '/hooks/:provider/:hook');
    for (const secret of [API_KEY, 'the next', 'd=', 'x-retell']) t.notMatch(lines, secret);
  });
});
