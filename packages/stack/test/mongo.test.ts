import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { test } from 'tap';
import { testMongo, uniqueName } from '../src/testing.ts';

test('Mongo keeps acknowledged writes and its port after kill -9', async (t) => {
  // Needs its own engine: a kill would break other tests.
  delete process.env.MONGODB_URI;
  const engine = await testMongo(t);
  const { address } = engine;
  const client = new MongoClient(address);
  t.teardown(() => client.close());
  const calls = client.db(uniqueName('calltally')).collection<{ _id: string }>('calls');
  await calls.insertOne({ _id: 'call-1' }, { writeConcern: { w: 'majority' } });

  await engine.stop('SIGKILL');
  t.equal(engine.pid, undefined);
  await engine.start();
  t.equal(engine.address, address);
  t.equal(await calls.countDocuments(), 1);
});

test('start brings back a database server that was killed from outside', async (t) => {
  delete process.env.MONGODB_URI;
  const engine = await testMongo(t);
  const lockFile = join(engine.dataDir!, 'postgres', 'postmaster.pid');
  const server = Number((await readFile(lockFile, 'utf8').catch(() => '')).split('\n')[0]);
  const client = new MongoClient(engine.address);
  t.teardown(() => client.close());
  const calls = client.db(uniqueName('calltally')).collection<{ _id: string }>('calls');
  await calls.insertOne({ _id: 'call-1' });

  if (server > 0) process.kill(server, 'SIGKILL');
  process.kill(engine.pid!, 'SIGKILL');
  await engine.stop();
  await engine.start();
  t.equal(await calls.countDocuments(), 1);
});
