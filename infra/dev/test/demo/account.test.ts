import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { testMongo, uniqueName } from '@calltally/stack/testing';
import { hashApiKey, openStore } from '@calltally/store';
import { test } from 'tap';
import { openDemoAccount, saveDemoAccount } from '../../src/demo/account.ts';
import { folder } from '../support.ts';

test('the demo key', async (t) => {
  const mongo = await testMongo(t);
  const open = () => {
    const uri = new URL(mongo.address);
    uri.pathname = `/${uniqueName('dev')}`;
    const store = openStore({ uri: uri.href, timeoutMs: 10_000, selectionTimeoutMs: 5_000 });
    t.teardown(() => store.close());
    return store;
  };
  const store = open();
  const file = join(await folder(t), 'demo.json');

  const first = await openDemoAccount(store, file);
  t.match(await store.apiKeys.findByHash(hashApiKey(first.api_key)), { user_id: 'demo' });
  t.match(await store.apiKeys.findByHash(hashApiKey(first.write_key)), { user_id: 'demo', scope: 'write' });
  t.equal(first.published_until_ms, 0);
  t.equal((await stat(file)).mode & 0o777, 0o600);

  await saveDemoAccount(file, { ...first, published_until_ms: 1234 });
  t.strictSame(await openDemoAccount(store, file), { ...first, published_until_ms: 1234 }, 'is kept');

  const row = await store.apiKeys.findByHash(hashApiKey(first.api_key));
  await store.apiKeys.revoke(row!._id);
  const second = await openDemoAccount(store, file);
  t.not(second.api_key, first.api_key, 'is created again after it was revoked');
  t.equal(second.published_until_ms, 1234, 'but the calls count as published');
  t.equal(second.write_key, first.write_key, 'and the other key stays');

  const { write_key: _, ...older } = second;
  await writeFile(file, JSON.stringify(older));
  const upgraded = await openDemoAccount(store, file);
  t.match(upgraded, older, 'an earlier version made no write key, so only that is new');
  t.match(upgraded.write_key, /^ct_/);

  const third = await openDemoAccount(open(), file);
  t.not(third.api_key, second.api_key, 'is created again if Mongo does not know it');
  t.equal(third.published_until_ms, 0, 'because this Mongo does not have the calls either');

  for (const text of [
    '',
    'null',
    '{"user_id":"demo"}',
    '{"user_id":"demo","api_key":1,"published_until_ms":0}',
  ]) {
    await writeFile(file, text);
    t.match(
      (await openDemoAccount(store, file)).api_key,
      /^ct_/,
      `is created again if the file contains ${text}`,
    );
  }
});
