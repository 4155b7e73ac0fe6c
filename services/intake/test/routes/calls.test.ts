import { gzipSync } from 'node:zlib';
import { test } from 'tap';
import { eventOf, testWorld } from '../support.ts';

test('POST /calls', async (t) => {
  const world = await testWorld(t);
  const { app, store, log } = world;
  const own = await world.writeKey('u-1');
  const platform = await world.writeKey();
  let sent = 0;

  const post = (payload: unknown, key: string | undefined = own, headers: Record<string, string> = {}) =>
    app.inject({
      method: 'POST',
      url: '/calls',
      headers: {
        ...(key && { authorization: `Bearer ${key}` }),
        'content-type': 'application/json',
        ...headers,
      },
      payload: Buffer.isBuffer(payload) || typeof payload === 'string' ? payload : JSON.stringify(payload),
    });

  await t.test('202 means that Kafka has the event, under the key of its user', async (t) => {
    const answer = await post(eventOf(1));
    t.equal(answer.statusCode, 202);
    t.strictSame(answer.json(), {
      success: true,
      message: '1 call accepted',
      data: { accepted: 1, rejected: 0 },
    });
    sent += 1;
    const [message] = await world.messages(1);
    t.equal(message?.key, 'u-1');
    t.strictSame(JSON.parse(message?.value ?? ''), eventOf(1));
  });

  await t.test('arrays, lines, CloudEvents alone, in a batch and in binary mode, gzip', async (t) => {
    const cloud = (n: number) => ({ specversion: '1.0', type: 'call', data: eventOf(n) });
    const lines = `${JSON.stringify(eventOf(4))}\n\n${JSON.stringify(eventOf(5))}\n`;
    for (const [payload, headers, accepted] of [
      [[eventOf(2), eventOf(3)], {}, 2],
      [lines, { 'content-type': 'application/x-ndjson' }, 2],
      [cloud(6), { 'content-type': 'application/cloudevents+json; charset=utf-8' }, 1],
      [[cloud(7), cloud(8)], { 'content-type': 'application/cloudevents-batch+json' }, 2],
      [eventOf(9), { 'ce-specversion': '1.0', 'ce-type': 'call', 'ce-id': '1', 'ce-source': '/' }, 1],
      [gzipSync(JSON.stringify(eventOf(10))), { 'content-encoding': 'gzip' }, 1],
    ] as const) {
      const answer = await post(payload, own, headers);
      t.strictSame([answer.statusCode, answer.json().data], [202, { accepted, rejected: 0 }]);
      sent += accepted;
    }
    const calls = (await world.messages(sent)).map(({ value }) => JSON.parse(value).call_id).sort();
    t.strictSame(calls, Array.from({ length: 10 }, (_, n) => `c-${n + 1}`).sort());
  });

  await t.test(
    'of a request with invalid events the others are stored, and each is told its own',
    async (t) => {
      const wrong = eventOf(12, { duration_seconds: -1 });
      const answer = await post([eventOf(11), wrong, eventOf(13, { user_id: 'u-2' })]);
      t.equal(answer.statusCode, 207);
      t.match(answer.json(), {
        success: true,
        message: '1 call accepted, 2 refused',
        data: {
          accepted: 1,
          rejected: 2,
          results: [
            { index: 0, status: 202 },
            {
              index: 1,
              status: 400,
              code: 'DURATION_INVALID',
              field: 'duration_seconds',
              message: /0 to 604800/,
            },
            { index: 2, status: 403, code: 'OTHER_USER', field: 'user_id' },
          ],
        },
      });
      sent += 1;
      t.equal((await world.messages(sent)).length, sent);
    },
  );

  await t.test('nothing is stored of a request of which no event is accepted', async (t) => {
    const one = await post(eventOf(1, { call_id: undefined }));
    t.equal(one.statusCode, 400);
    t.match(one.json(), {
      success: false,
      message: /^call_id is missing/,
      error: { code: 'EVENTS_INVALID' },
      data: {
        accepted: 0,
        rejected: 1,
        results: [{ index: 0, status: 400, code: 'FIELD_MISSING', field: 'call_id' }],
      },
    });
    const other = await post([eventOf(1, { user_id: 'u-2' }), eventOf(2, { user_id: 'u-3' })]);
    t.strictSame([other.statusCode, other.json().error], [403, { code: 'OTHER_USER' }]);
    t.match((await post([1, null])).json(), { data: { results: [{ code: 'EVENT_NOT_OBJECT' }, {}] } });
    t.equal((await world.messages(sent)).length, sent);
  });

  await t.test('a platform key brings the calls of any user', async (t) => {
    const answer = await post(
      [eventOf(21, { user_id: '+15550100042' }), eventOf(22, { user_id: 'u-7' })],
      platform,
    );
    t.equal(answer.statusCode, 202);
    sent += 2;
    const users = (await world.messages(sent)).map(({ key }) => key);
    t.ok(users.includes('+15550100042') && users.includes('u-7'));
  });

  await t.test('401 without a valid key, 403 without the scope', async (t) => {
    const { apiKey: readKey } = await store.apiKeys.create({ userId: 'u-1' });
    const { apiKey: old } = await store.apiKeys.create({
      userId: 'u-1',
      scope: 'write',
      expiresAt: new Date(0),
    });
    for (const [key, status, code] of [
      ['', 401, 'MISSING_API_KEY'],
      [`ct_${'x'.repeat(43)}`, 401, 'INVALID_API_KEY'],
      ['eyJhbGciOiJSUzI1NiJ9.e30.c2ln', 401, 'INVALID_API_KEY'],
      [old, 401, 'INVALID_API_KEY'],
      [readKey, 403, 'SCOPE_MISSING'],
    ] as const) {
      const answer = await post(eventOf(31), key);
      t.strictSame([answer.statusCode, answer.json().error], [status, { code }]);
      t.match(answer.headers['www-authenticate'], /^Bearer/);
    }
    t.equal((await world.messages(sent)).length, sent);
  });

  await t.test('what is too large or packed otherwise is refused, before it can cost memory', async (t) => {
    const large = 'x'.repeat(1_048_577);
    for (const [payload, headers, status] of [
      [large, {}, 413],
      [gzipSync(large), { 'content-encoding': 'gzip' }, 413],
      ['{}', { 'content-encoding': 'br' }, 415],
      ['{}', { 'content-encoding': 'gzip' }, 400],
    ] as const) {
      const answer = await post(payload, own, headers);
      t.strictSame([answer.statusCode, answer.json().error], [status, { code: 'BAD_REQUEST' }]);
    }
    const fat = await post(eventOf(41, { note: 'x'.repeat(65_536) }));
    t.match(fat.json(), { data: { results: [{ code: 'EVENT_TOO_LARGE' }] } });
  });

  await t.test('other methods are told what works here', async (t) => {
    const answer = await app.inject({ method: 'GET', url: '/calls' });
    t.strictSame([answer.statusCode, answer.headers.allow], [405, 'POST']);
    t.equal((await app.inject({ method: 'POST', url: '/call' })).statusCode, 404);
  });

  await t.test('metrics count by outcome', async (t) => {
    const { payload } = await app.inject({ method: 'GET', url: '/metrics' });
    t.match(
      payload,
      new RegExp(`calltally_intake_events_total\\{outcome="accepted",service="intake"\\} ${sent}\\n`),
    );
    t.match(payload, /calltally_intake_events_total\{outcome="OTHER_USER",service="intake"\} 3\n/);
    t.match(payload, /calltally_intake_bytes_under_way\{kind="calls",service="intake"\} 0\n/);
  });

  await t.test('no key is in the log', async (t) => {
    t.ok(log.length > 20);
    t.notMatch(log.join(''), /ct_[A-Za-z0-9_-]{16}/);
  });
});
