import { testMongo, uniqueName } from '@calltally/stack/testing';
import { hashApiKey, openStore } from '@calltally/store';
import { test } from 'tap';
import { calltally, databaseOn, NOWHERE } from '../support.ts';

test('keys on a real Mongo', async (t) => {
  const mongo = await testMongo(t);
  const uri = databaseOn(mongo.address, uniqueName('ops'));
  const env = { ...NOWHERE, MONGODB_URI: uri };
  const store = openStore({ uri, timeoutMs: 10_000, selectionTimeoutMs: 5_000 });
  t.teardown(() => store.close());
  await store.ensureIndexes();
  const create = async (...args: string[]) => {
    const { status, out, err } = await calltally(['keys', 'create', ...args, '--json'], { env });
    t.equal(status, 0, err);
    return JSON.parse(out);
  };

  await t.test('create --json prints exactly what was asked for, and the key works', async (t) => {
    const key = await create('--user', 'acme');
    t.strictSame(Object.keys(key).sort(), ['api_key', 'key_id', 'scope', 'user_id']);
    t.match(key, { user_id: 'acme', scope: 'read' });
    const row = await store.apiKeys.findByHash(hashApiKey(key.api_key));
    t.match(row, { _id: key.key_id, user_id: 'acme' });
    t.notOk(row?.expires_at);
    const full = await create('--user', 'acme', '--name', 'wall display', '--expires', '2999-12-31');
    t.match(full, { name: 'wall display', expires_at: '3000-01-01T00:00:00Z' });
  });

  await t.test('create shows the key once to people, and list never', async (t) => {
    const { status, out } = await calltally(['keys', 'create', '--user', 'once'], { env });
    t.equal(status, 0);
    const key = /ct_[\w-]{43}/.exec(out)?.[0] ?? '';
    t.equal(out.split(key).length, 2);
    t.match(out, 'only time');
    const list = await calltally(['keys', 'list', '--user', 'once'], { env });
    t.match(list.out, /key_\w+ +once +read +active/);
    t.notMatch(list.out, key);
  });

  await t.test('a key has a scope, and names one user or any', async (t) => {
    t.match(await create('--user', 'sender', '--scope', 'write'), { user_id: 'sender', scope: 'write' });
    const key = await create('--platform', '--scope', 'write');
    t.strictSame(Object.keys(key).sort(), ['api_key', 'key_id', 'platform', 'scope']);
    const { out } = await calltally(['keys', 'list'], { env });
    t.match(out, `${key.key_id}  *`);
    t.match(out, /\* +platform write +active/);
    const whose = await calltally(['keys', 'create', '--platform'], { env });
    t.match(whose.out, /user +any: it is a platform key\nscope +read/);
    for (const args of [[], ['--platform', '--user', 'acme'], ['--user', 'acme', '--scope', 'both']]) {
      const { status, err } = await calltally(['keys', 'create', ...args, '--json'], { env });
      t.equal(status, 2);
      t.equal(JSON.parse(err).error.code, 'USAGE');
    }
  });

  await t.test('a user id that no event could carry is refused before anything is made', async (t) => {
    for (const user of [
      '',
      ' ',
      ' acme',
      'acme\u00a0',
      '\ufeffacme',
      'a'.repeat(257),
      '💬'.repeat(257),
      'a\n',
      'a\u0085',
    ]) {
      const { status, out, err } = await calltally(['keys', 'create', `--user=${user}`, '--json'], { env });
      t.equal(status, 1, JSON.stringify(user));
      t.equal(out, '');
      t.equal(JSON.parse(err).error.code, 'USER_ID_INVALID');
    }
    t.strictSame(await store.apiKeys.list(' acme'), []);
  });

  await t.test('a user is whoever the platform says, and no id of one touches a terminal', async (t) => {
    const users = [
      '+15550100042',
      'a+b@example.com',
      '客户',
      '__proto__',
      '-acme',
      'a b',
      '💬'.repeat(256),
      '$ne',
    ];
    for (const user of users) {
      const key = await create(`--user=${user}`);
      t.equal(key.user_id, user);
      t.equal((await store.apiKeys.findByHash(hashApiKey(key.api_key)))?.user_id, user);
      const list = await calltally(['keys', 'list', `--user=${user}`, '--json'], { env });
      t.strictSame(
        JSON.parse(list.out).keys.map((one: { key_id: string }) => one.key_id),
        [key.key_id],
      );
    }
    const hostile = 'ann\u202enimda\u200b\u2028x';
    const { out } = await calltally(['keys', 'create', `--user=${hostile}`], { env });
    const list = await calltally(['keys', 'list', `--user=${hostile}`], { env });
    for (const text of [out, list.out]) t.match(text, 'ann\\u202enimda\\u200b\\u2028x');
    const json = await calltally(['keys', 'list', `--user=${hostile}`, '--json'], { env });
    t.equal(JSON.parse(json.out).keys[0].user_id, hostile);
    const wrong = await calltally(['keys', 'list', `--user=${hostile}\u009b`], { env });
    for (const { out, err } of [list, json, wrong])
      t.notMatch(out + err, /[\u0080-\u009f\u2028\u202e\u200b]/);
  });

  await t.test('a revoked key says so, a second time too; an unknown one is an error', async (t) => {
    const { key_id } = await create('--user', 'gone');
    const first = await calltally(['keys', 'revoke', key_id, '--json'], { env });
    t.equal(first.status, 0);
    t.match(JSON.parse(first.out), { key_id, user_id: 'gone', state: 'revoked' });
    const again = await calltally(['keys', 'revoke', key_id, '--json'], { env });
    t.equal(again.status, 0);
    t.equal(again.out, first.out);
    const nobody = await calltally(['keys', 'list', '--user', 'nobody', '--json'], { env });
    t.match(nobody, { status: 1, out: '' });
    t.match(JSON.parse(nobody.err).error, { code: 'USER_UNKNOWN', message: /nobody has no key/ });
    const last = await create('--user', 'acme', '--expires', '9999-12-31');
    t.equal(last.expires_at, '9999-12-31T23:59:59.999Z');
    const unknown = await calltally(['keys', 'revoke', 'key_0', '--json'], { env });
    t.equal(unknown.status, 1);
    t.equal(JSON.parse(unknown.err).error.code, 'KEY_UNKNOWN');
  });

  await t.test('revoke never repeats a key that was given instead of its id', async (t) => {
    const { api_key } = await create('--user', 'mistaken');
    const { status, out, err } = await calltally(['keys', 'revoke', api_key], { env });
    t.equal(status, 1);
    t.notMatch(out + err, api_key);
  });

  await t.test('list --json tells the state of every key of a user, newest first', async (t) => {
    const kept = await create('--user', 'many');
    const revoked = await create('--user', 'many');
    await calltally(['keys', 'revoke', revoked.key_id], { env });
    const expired = await store.apiKeys.create({ userId: 'many', expiresAt: new Date(0) });
    const { status, out } = await calltally(['keys', 'list', '--user', 'many', '--json'], { env });
    t.equal(status, 0);
    const old = JSON.parse(out).keys.find(({ key_id }: { key_id: string }) => key_id === expired.row._id);
    t.equal(old.scope, 'read', 'a row of an earlier version has no scope');
    const states = JSON.parse(out).keys.map((key: { key_id: string; state: string }) => [
      key.key_id,
      key.state,
    ]);
    t.strictSame(
      new Map(states),
      new Map([
        [kept.key_id, 'active'],
        [revoked.key_id, 'revoked'],
        [expired.row._id, 'expired'],
      ]),
    );
  });
});
