import { ApiKeyCache, KnownKey, OutageLog, RevocationWatcher } from '@calltally/http';
import { testMongo, uniqueName } from '@calltally/stack/testing';
import { type ApiKeyRow, hashApiKey, openStore, StoreError } from '@calltally/store';
import { createLogger } from '@calltally/telemetry';
import { test } from 'tap';
import { gateTo } from '../gate.ts';
import { NOW_MS, until } from '../support.ts';

test('keys', async (t) => {
  const mongo = await testMongo(t);
  const gate = await gateTo(t, Number(new URL(mongo.address).port));
  const uri = `mongodb://127.0.0.1:${gate.port}/?directConnection=true`;
  const store = openStore({ uri, database: uniqueName('keys'), timeoutMs: 1_200, selectionTimeoutMs: 300 });
  t.teardown(() => store.close());
  await store.ensureIndexes();

  /** The store's keys, with the look-ups counted and held back until `release`. */
  function slowKeys() {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = {
      lookUps: 0,
      release: () => release(),
      async findByHash(hash: string): Promise<ApiKeyRow | undefined> {
        slow.lookUps += 1;
        const row = await store.apiKeys.findByHash(hash);
        await released;
        return row;
      },
    };
    return slow;
  }

  async function newKey(userId: string) {
    const { apiKey, row } = await store.apiKeys.create({ userId });
    return { hash: hashApiKey(apiKey), row };
  }

  await t.test('a key is looked up once, however many requests bring it at the same time', async (t) => {
    const keys = slowKeys();
    const ring = new ApiKeyCache(keys);
    const { hash } = await newKey('u');
    const finds = Array.from({ length: 50 }, () => ring.find(hash, NOW_MS));
    keys.release();
    t.ok((await Promise.all(finds)).every((key) => key?.userId === 'u'));
    t.equal((await ring.find(hash, NOW_MS))?.userId, 'u');
    t.equal(keys.lookUps, 1);
    t.match(ring.counts, { hit: 1, found: 50, refused: 0 });
  });

  await t.test('an unknown key is not looked up again at once', async (t) => {
    const keys = slowKeys();
    keys.release();
    const ring = new ApiKeyCache(keys);
    for (let i = 0; i < 10; i++) t.equal(await ring.find('0'.repeat(64), NOW_MS), undefined);
    t.equal(keys.lookUps, 1);
  });

  await t.test('a look-up begun before a revocation does not bring the key back after it', async (t) => {
    const keys = slowKeys();
    const ring = new ApiKeyCache(keys);
    const { hash, row } = await newKey('u');
    const begun = ring.find(hash, NOW_MS);
    await until(
      async () => keys.lookUps,
      (lookUps) => lookUps === 1,
    );
    await store.apiKeys.revoke(row._id);
    ring.revoke(hash);
    keys.release();
    t.equal(await begun, undefined);
    t.equal(await ring.find(hash, NOW_MS), undefined);
  });

  await t.test(
    'known keys stay valid while Mongo is away, unknown ones are not called invalid',
    async (t) => {
      const ring = new ApiKeyCache(store.apiKeys);
      const [known, unknown] = await Promise.all([newKey('u'), newKey('v')]);
      t.equal((await ring.find(known.hash, NOW_MS))?.userId, 'u');
      await gate.cut();
      t.equal((await ring.find(known.hash, NOW_MS))?.userId, 'u');
      t.equal(
        (await ring.find(known.hash, NOW_MS + 86_400_000))?.userId,
        'u',
        'also when it is long since they were read',
      );
      await t.rejects(ring.find(unknown.hash, NOW_MS), StoreError);
      await gate.open();
      t.equal(
        await until(
          () => ring.find(unknown.hash, NOW_MS).catch(() => undefined),
          (key) => key !== undefined,
        ).then((key) => key?.userId),
        'v',
      );
    },
  );

  await t.test('a key whose row is gone is forgotten when it is read again', async (t) => {
    let rows = new Map<string, ApiKeyRow>();
    const ring = new ApiKeyCache({ findByHash: async (hash) => rows.get(hash) });
    const { hash, row } = await newKey('u');
    rows = new Map([[hash, row]]);
    t.equal((await ring.find(hash, NOW_MS))?.userId, 'u');
    rows = new Map();
    t.equal(ring.known(hash, NOW_MS + 1_000)?.userId, 'u', 'not yet');
    t.equal(
      ring.known(hash, NOW_MS + 86_400_000)?.userId,
      'u',
      'answered at once, and asked for behind the answer',
    );
    const later = async () => ring.known(hash, NOW_MS + 86_400_001);
    t.equal(await until(later, (key) => key === undefined), undefined);
  });

  await t.test('asking whether a key is still valid counts no check', async (t) => {
    const ring = new ApiKeyCache(store.apiKeys);
    const [lasting, revoked] = await Promise.all([newKey('u'), newKey('u')]);
    const { apiKey } = await store.apiKeys.create({ userId: 'u', expiresAt: new Date(NOW_MS + 1_000) });
    const hashes = [lasting.hash, revoked.hash, hashApiKey(apiKey)];
    const keys = await Promise.all(hashes.map((hash) => ring.find(hash, NOW_MS)));
    const counts = { ...ring.counts };
    const standing = (nowMs: number) => keys.map((key) => key?.stands(nowMs));
    t.same(standing(NOW_MS + 999), [true, true, true]);
    ring.revoke(revoked.hash);
    t.same(standing(NOW_MS + 1_000), [true, false, false]);
    t.same(ring.counts, counts);
  });

  await t.test('a key that is not known any more stands until Mongo says otherwise', async (t) => {
    let rows = new Map<string, ApiKeyRow>();
    const gone = new Error('Mongo is away');
    let isAway = true;
    const ring = new ApiKeyCache({
      findByHash: async (hash) => {
        if (isAway) throw gone;
        return rows.get(hash);
      },
    });
    const { hash, row } = await newKey('u');
    rows = new Map([[hash, row]]);
    const key = new KnownKey(row, NOW_MS, ring);
    t.equal(key.stands(NOW_MS), true, 'nobody can say');
    isAway = false;
    await until(
      async () => key.stands(NOW_MS) && ring.size,
      (size) => size === 1,
    );
    t.equal(ring.size, 1, 'it was looked up, and is there');
    rows = new Map();
    const later = async () => key.stands(NOW_MS + 86_400_000);
    t.equal(await until(later, (stands) => !stands), false, 'its row was deleted by hand');
  });

  await t.test('a row that does not say whose key it is opens nothing', async (t) => {
    const { row } = await newKey('u');
    const { user_id: _, ...nobody } = row;
    const odd = [
      nobody,
      { ...row, user_id: '' },
      { ...row, user_id: 7 },
      { ...row, user_id: null },
      { ...row, platform: true },
      { ...row, platform: false },
      { ...nobody, platform: false },
      { ...nobody, platform: 'true' },
      { ...nobody, platform: true, user_id: '' },
      { ...nobody, platform: true, user_id: null },
    ] as unknown as ApiKeyRow[];
    for (const one of odd) {
      const ring = new ApiKeyCache({ findByHash: async () => one });
      t.equal(await ring.find(row.hash, NOW_MS), undefined, JSON.stringify(one));
      t.equal(ring.known(row.hash, NOW_MS), undefined);
    }
    const ring = new ApiKeyCache({ findByHash: async () => ({ ...nobody, platform: true }) });
    t.match(await ring.find(row.hash, NOW_MS), { userId: undefined, scope: 'read' });
  });

  await t.test('a key that becomes another, by hand, ends what it opened', async (t) => {
    const { hash, row } = await newKey('u');
    for (const change of [{ user_id: 'v' }, { scope: 'write' as const }]) {
      let current: ApiKeyRow = row;
      const ring = new ApiKeyCache({ findByHash: async () => current });
      const key = await ring.find(hash, NOW_MS);
      current = { ...row, ...change };
      const later = async () => key?.stands(NOW_MS + 86_400_000);
      t.equal(await until(later, (stands) => stands === false), false, JSON.stringify(change));
    }
  });

  await t.test('a watcher misses no revocation, though Mongo was away when it began', async (t) => {
    const ring = new ApiKeyCache(store.apiKeys);
    const lines: string[] = [];
    const logger = createLogger({
      service: 'api',
      level: 'info',
      destination: { write: (line) => void lines.push(line) },
    });
    const [before, during] = await Promise.all([newKey('u'), newKey('u')]);
    for (const { hash } of [before, during]) t.equal((await ring.find(hash, NOW_MS))?.userId, 'u');
    await store.apiKeys.revoke(before.row._id);
    await gate.cut();
    const watcher = new RevocationWatcher(
      store.apiKeys,
      ring,
      new OutageLog(logger, 'Mongo', 'keys stay valid'),
    );
    watcher.start();
    t.teardown(() => watcher.stop());
    await until(
      async () => watcher.reachable,
      (reachable) => !reachable,
    );
    t.equal(ring.known(during.hash, NOW_MS)?.userId, 'u');
    await gate.open();
    await until(
      () => store.apiKeys.revoke(during.row._id).catch(() => undefined),
      (row) => row?.revoked_at !== undefined,
    );
    for (const { hash } of [before, during]) {
      const ask = async () => ring.known(hash, NOW_MS);
      t.equal(await until(ask, (key) => key === undefined), undefined);
    }
    t.match(
      lines.map((line) => JSON.parse(line).msg),
      [/^Mongo is away: /, 'Mongo is back'],
      'each said once',
    );
    t.notMatch(lines.join(''), /127\.0\.0\.1/);
  });
});
