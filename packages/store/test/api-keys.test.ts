import { test } from 'tap';
import { hashApiKey, looksLikeApiKey } from '../src/index.ts';
import { testStore } from './support.ts';

test('API keys', async (t) => {
  const { store, db, another } = await testStore(t);
  const { apiKeys } = store;
  const collection = db.collection<{ _id: string }>('api_keys');

  await t.test('a key is found by its hash, and only the hash is stored', async (t) => {
    const expiresAt = new Date(Date.now() + 60_000);
    const { apiKey, row } = await apiKeys.create({ userId: 'u-1', name: 'wall', expiresAt });
    t.ok(looksLikeApiKey(apiKey));
    t.strictSame(await apiKeys.findByHash(hashApiKey(apiKey)), row);
    t.match(row, { user_id: 'u-1', name: 'wall', expires_at: expiresAt });
    t.notOk(row.revoked_at ?? row.scope ?? row.platform);
    const atRest = JSON.stringify(await collection.find().toArray());
    t.notOk(atRest.includes(apiKey));
    t.notOk(atRest.includes(apiKey.slice(3)));
    t.equal(await apiKeys.findByHash(hashApiKey(`${apiKey}x`)), undefined);
  });

  await t.test('a key has a scope, and that of a platform has no user', async (t) => {
    const { row: ofUser } = await apiKeys.create({ userId: 'u-1', scope: 'write' });
    t.match(ofUser, { user_id: 'u-1', scope: 'write', platform: undefined });
    const { apiKey, row } = await apiKeys.create({ platform: true, scope: 'write' });
    t.match(row, { platform: true, scope: 'write' });
    t.notOk('user_id' in row);
    t.strictSame(await apiKeys.findByHash(hashApiKey(apiKey)), row);
    t.notOk((await apiKeys.list('u-1')).some(({ _id }) => _id === row._id));
  });

  await t.test('all keys differ, and a hash is stored once', async (t) => {
    const made = await Promise.all(Array.from({ length: 20 }, () => apiKeys.create({ userId: 'u-2' })));
    t.equal(new Set(made.map(({ apiKey }) => apiKey)).size, 20);
    t.equal(new Set(made.map(({ row }) => row._id)).size, 20);
    await t.rejects(collection.insertOne({ ...made[0]!.row, _id: 'key_other' }), { code: 11000 });
  });

  await t.test('a text that cannot be a key is recognised by its shape', async (t) => {
    const body = 'A'.repeat(43);
    t.ok(looksLikeApiKey(`ct_${body}`));
    for (const text of [
      '',
      'ct_',
      body,
      `ct_${body}A`,
      `ct_${body.slice(1)}`,
      `ct_${body.slice(1)}+`,
      ` ct_${body}`,
      `ct_${body}\n`,
    ]) {
      t.notOk(looksLikeApiKey(text), JSON.stringify(text));
    }
  });

  await t.test('keys are listed newest first, of one user or of all', async (t) => {
    const first = await apiKeys.create({ userId: 'u-3' });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await apiKeys.create({ userId: 'u-3' });
    t.strictSame(await apiKeys.list('u-3'), [second.row, first.row]);
    t.equal((await apiKeys.list()).length, 25);
    t.strictSame(await apiKeys.list('nobody'), []);
  });

  await t.test('a key is revoked once, at a time by the server’s clock', async (t) => {
    const { row } = await apiKeys.create({ userId: 'u-4' });
    const revoked = await apiKeys.revoke(row._id);
    t.type(revoked?.revoked_at, Date);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const all = await Promise.all([apiKeys, another().apiKeys].map((keys) => keys.revoke(row._id)));
    t.strictSame(all, [revoked, revoked]);
    t.strictSame(revoked, { ...row, revoked_at: revoked!.revoked_at });
    t.equal(await apiKeys.revoke('key_none'), undefined);
  });

  await t.test('polling from the latest revocation on misses none', async (t) => {
    const since = await apiKeys.lastRevocation();
    t.type(since, Date);
    const made = await Promise.all([1, 2, 3].map(() => apiKeys.create({ userId: 'u-5' })));
    for (const { row } of made) await apiKeys.revoke(row._id);
    const seen = await apiKeys.revokedSince(since!);
    t.strictSame(
      seen
        .slice(-3)
        .map(({ _id }) => _id)
        .sort(),
      made.map(({ row }) => row._id).sort(),
    );
    t.strictSame(
      seen,
      seen.toSorted((a, b) => a.revoked_at!.getTime() - b.revoked_at!.getTime()),
    );
    t.ok(seen.every((row) => row.revoked_at! >= since!));
    const last = await apiKeys.lastRevocation();
    t.strictSame(last, seen.at(-1)!.revoked_at);
    t.ok(
      (await apiKeys.revokedSince(last!)).length >= 1,
      'a key revoked in the same millisecond is not lost',
    );
  });
});

test('without revocations there is no latest one', async (t) => {
  const { store } = await testStore(t);
  t.equal(await store.apiKeys.lastRevocation(), undefined);
  t.strictSame(await store.apiKeys.revokedSince(new Date(0)), []);
});
