import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMongo } from '@calltally/stack';
import type { Test } from '@calltally/stack/testing';
import { MongoClient } from 'mongodb';
import { test } from 'tap';
import { openStore } from '../src/index.ts';

/** The error of a write to the Mongo at this URI; undefined if there is none. */
async function refusalBy(uri: string): Promise<{ code: string; message: string } | undefined> {
  try {
    const store = openStore({ uri, database: 'refused', timeoutMs: 10_000, selectionTimeoutMs: 1_500 });
    try {
      await store.progress.advanceStored(0, 0, 1);
    } finally {
      await store.close();
    }
    return undefined;
  } catch (thrown) {
    return thrown as { code: string; message: string };
  }
}

test('a Mongo that asks for a login', async (t) => {
  const address = await guarded(t);
  const as = (user: string) => refusalBy(address.replace('//', `//${user}`));
  t.equal(await as('ada:right@'), undefined, 'a known user may write');
  for (const user of ['ada:wrong@', 'nobody:right@']) {
    const said = await as(user);
    t.match(said, {
      code: 'STORE_CREDENTIALS',
      retryable: false,
      message: /refused the user or the password/,
    });
    t.notMatch(said?.message, /wrong|can be reached/);
  }
  t.match(await as(''), { code: 'STORE_FORBIDDEN', retryable: false });
});

test('a server that is no Mongo, or no TLS server', async (t) => {
  const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  t.match(await refusalBy(`mongodb://127.0.0.1:${port}`), { code: 'STORE_UNAVAILABLE', retryable: true });
  t.match(await refusalBy(`mongodb://127.0.0.1:${port}/?tls=true`), { code: 'STORE_TLS', retryable: true });
  t.match(await refusalBy('mongodb://nowhere.invalid'), { code: 'STORE_UNAVAILABLE', retryable: true });
  t.match(await refusalBy('mongodb+srv://nowhere.invalid'), { code: 'STORE_UNAVAILABLE', retryable: true });
});

test('a URI that cannot be used', async (t) => {
  for (const options of [
    '?fast=yes',
    '?tls=maybe',
    '?tls=true&tlsCAFile=/not/there',
    '?authMechanism=MAGIC',
  ]) {
    t.match(
      await refusalBy(`mongodb://127.0.0.1:1/${options}`),
      { code: 'STORE_URI', retryable: false },
      options,
    );
  }
  t.match(await refusalBy('mongodb://a%zz:b@127.0.0.1:1'), { code: 'STORE_URI' });
  t.match(await refusalBy('mongodb://127.0.0.1:1/?authMechanism=SCRAM-SHA-256'), {
    code: 'STORE_CREDENTIALS',
  });
});

/** The address of a Mongo that knows the user `ada` with the password `right`. */
async function guarded(t: Test): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'calltally-store-'));
  t.teardown(() => rm(dataDir, { recursive: true, force: true }));
  const open = await startMongo({ dataDir });
  const client = new MongoClient(open.address);
  const roles = [{ role: 'readWriteAnyDatabase', db: 'admin' }];
  await client.db('admin').command({ createUser: 'ada', pwd: 'right', roles });
  await client.close();
  await open.stop();
  const mongo = await startMongo({ dataDir, auth: true });
  t.teardown(() => mongo.stop('SIGKILL'));
  return mongo.address;
}
