import { chmod, mkdir, rm, stat } from 'node:fs/promises';
import { test } from 'tap';
import { uniqueFolder } from '../src/folder.ts';
import { startMongo, startPostgres } from '../src/index.ts';
import { isRoot, which } from '../src/obtain/command.ts';
import { placeFor } from '../src/postgres.ts';
import { postgresQuery } from '../src/postgres-client.ts';

const hasMongod = (await which('mongod')) !== undefined;
const onPostgres = isRoot() && !hasMongod;

test('in a folder that only root can enter, PostgreSQL gets a usable folder elsewhere', async (t) => {
  if (!onPostgres) return t.pass('only root needs this');
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
  t.equal((await stat(folder.path('home'))).mode & 0o777, 0o700, 'its mode is unchanged');
  t.equal((await stat(place)).mode & 0o777, 0o700);
});

test('the given data folder is opened to other users, whatever its mode', async (t) => {
  const folder = await uniqueFolder();
  t.teardown(folder.remove);
  await mkdir(folder.path('mongo'), { mode: 0o700 });
  await chmod(folder.path('mongo'), 0o700);
  t.equal(await placeFor(folder.path('mongo')), folder.path('mongo/postgres'));
});

test('a plain PostgreSQL answers without DocumentDB, and is gone after stop', async (t) => {
  if (hasMongod) return t.pass('PostgreSQL is only obtained if there is no mongod');
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
