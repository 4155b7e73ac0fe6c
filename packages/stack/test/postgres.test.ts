import { chmod, mkdir, rm, stat } from 'node:fs/promises';
import { test } from 'tap';
import { uniqueFolder } from '../src/folder.ts';
import { startMongo } from '../src/index.ts';
import { isRoot, which } from '../src/obtain/command.ts';
import { placeFor } from '../src/postgres.ts';

const onPostgres = isRoot() && (await which('mongod')) === undefined;

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
