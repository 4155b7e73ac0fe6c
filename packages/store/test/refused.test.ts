import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServerTls, startMongo } from '@calltally/stack';
import { type Test, testCertificates } from '@calltally/stack/testing';
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

test('a Mongo with TLS and a login', async (t) => {
  const certificates = await testCertificates(t);
  const { ca, otherCa, server, expired, client, stranger } = certificates;
  const dataDir = await folderWithUser(t);
  const both = async ({ cert, key }: typeof client) => {
    const file = `${cert}.both`;
    await writeFile(file, `${await readFile(key, 'utf8')}${await readFile(cert, 'utf8')}`);
    return `tlsCertificateKeyFile=${file}`;
  };
  const [own, strange] = await Promise.all([both(client), both(stranger)]);
  const cases = async (tls: ServerTls, each: [options: string, error: object | undefined][]) => {
    const mongo = await startMongo({ dataDir, auth: true, tls });
    const at = (options: string) => `${mongo.address.replace('//', '//ada:right@')}/?${options}`;
    const said = await Promise.all(each.map(([options]) => refusalBy(at(options))));
    await mongo.stop();
    for (const [i, [options, error]] of each.entries()) {
      if (error === undefined) t.equal(said[i], undefined, options);
      else t.match(said[i], error, options);
      t.notMatch(String(said[i]), /\n|right/);
    }
  };
  const tlsError = (message: RegExp) => ({ code: 'STORE_TLS', message, meaning: message });
  // The server's alert may be lost when it closes the connection.
  const notCertified = {
    code: /^STORE_(TLS|UNAVAILABLE)$/,
    message: /certificate.* MONGODB_URI|MONGODB_URI.* certificate/,
  };
  await cases({ identity: server, ca, mutual: client }, [
    [`tls=true&tlsCAFile=${ca}&${own}`, undefined],
    [`tls=true&tlsCAFile=${ca}`, notCertified],
    [`tls=true&tlsCAFile=${ca}&${strange}`, notCertified],
    [`tls=true&tlsCAFile=${otherCa}&${own}`, tlsError(/authority .*tlsCAFile in MONGODB_URI/)],
    [`tls=true&${own}`, tlsError(/authority .*tlsCAFile in MONGODB_URI/)],
    ['', { code: 'STORE_UNAVAILABLE', message: /MONGODB_URI .*TLS/ }],
  ]);
  await cases({ identity: expired, ca }, [[`tls=true&tlsCAFile=${ca}`, tlsError(/certificate has expired/)]]);
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
  const mongo = await startMongo({ dataDir: await folderWithUser(t), auth: true });
  t.teardown(() => mongo.stop('SIGKILL'));
  return mongo.address;
}

/** A folder of a Mongo that was stopped, and that knows the user. */
async function folderWithUser(t: Test): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'calltally-store-'));
  t.teardown(() => rm(dataDir, { recursive: true, force: true }));
  const open = await startMongo({ dataDir });
  const client = new MongoClient(open.address);
  const roles = [{ role: 'readWriteAnyDatabase', db: 'admin' }];
  await client.db('admin').command({ createUser: 'ada', pwd: 'right', roles });
  await client.close();
  await open.stop();
  return dataDir;
}
