import { chmod, mkdir, rm, stat } from 'node:fs/promises';
import { test } from 'tap';
import { uniqueFolder } from '../src/folder.ts';
import { startMongo, startPostgres } from '../src/index.ts';
import { isRoot, which } from '../src/obtain/command.ts';
import { placeFor } from '../src/postgres.ts';
import { postgresQuery } from '../src/postgres-client.ts';

const hasMongod = (await which('mongod')) !== undefined;
const onPostgres = isRoot() && !hasMongod;

test('below a folder that only root can pass, PostgreSQL still gets a folder that it can use', async (t) => {
  if (!onPostgres) return t.pass('nobody but root has this difficulty');
  const folder = await uniqueFolder();
  t.teardown(folder.remove);
  await mkdir(folder.path('home'), { mode: 0o700 });
  const dataDir = folder.path('home/repository/mongo');
  const engine = await startMongo({ dataDir });
  const place = await placeFor(dataDir);
  t.teardown(async () => {
    await engine.stop('SIGKILL');
    await rm(place, { recursive: true, force: true });
  });
  t.notOk(place.startsWith(folder.path('home')));
  t.equal((await stat(folder.path('home'))).mode & 0o777, 0o700, 'which stays as it was');
  t.equal((await stat(place)).mode & 0o777, 0o700);
});

test('a folder that was handed over is opened, whatever its own mode', async (t) => {
  const folder = await uniqueFolder();
  t.teardown(folder.remove);
  await mkdir(folder.path('mongo'), { mode: 0o700 });
  await chmod(folder.path('mongo'), 0o700);
  t.equal(await placeFor(folder.path('mongo')), folder.path('mongo/postgres'));
});

test('a plain PostgreSQL answers without DocumentDB, and is gone when it was stopped', async (t) => {
  if (hasMongod) return t.pass('PostgreSQL is only obtained where it has to stand in for mongod');
  const folder = await uniqueFolder();
  t.teardown(folder.remove);
  const engine = await startPostgres({ dataDir: folder.path('plain') });
  t.teardown(() => engine.stop('SIGKILL'));
  const port = Number(new URL(engine.address).port);
  await postgresQuery(port, 'select 1');
  await t.rejects(postgresQuery(port, 'create extension documentdb cascade'), /shared_preload_libraries/);
  await engine.stop();
  await t.rejects(postgresQuery(port, 'select 1'), { code: 'ECONNREFUSED' });
});
