import { test } from 'tap';
import { uniqueFolder } from '../src/folder.ts';
import { redisCli } from '../src/redis-cli.ts';
import { startRedisCluster } from '../src/redis-cluster.ts';

const TAG = '{acme}';
const KEYS = 250;

test('a Redis Cluster of 3 + 3: slots move with their keys, masters come and go, a replica takes over', async (t) => {
  const folder = await uniqueFolder();
  const options = { dataDir: folder.path('cluster'), nodeTimeoutMs: 3_000 };
  let cluster = await startRedisCluster(options);
  t.teardown(async () => {
    await cluster.stop('SIGKILL');
    await folder.remove();
  });
  t.strictSame(await cluster.masters(), cluster.nodes.slice(0, 3), 'masters come first');
  const slot = await cluster.slotOf(TAG);
  const owner = await cluster.masterOf(slot);
  const keys = Array.from({ length: KEYS }, (_, i) => `${TAG}${i} ü`);
  await redisCli(owner.address, 'MSET', ...keys.flatMap((key) => [key, 'value']));
  /** All keys are where they belong, and nowhere else. */
  const held = async () => redisCli((await cluster.masterOf(slot)).address, 'EXISTS', ...keys).then(Number);

  const target = (await cluster.masters()).find((node) => node !== owner)!;
  await cluster.moveSlots([slot], target);
  t.equal(await cluster.masterOf(slot), target);
  t.equal(await held(), KEYS, 'a slot moves with its keys');
  t.equal(Number(await redisCli(owner.address, 'CLUSTER', 'COUNTKEYSINSLOT', slot)), 0);
  await cluster.moveSlots([slot], owner);
  t.equal(await held(), KEYS, 'and back');

  const added = await cluster.addMaster(200);
  t.equal((await cluster.masters()).length, 4);
  await cluster.removeMaster(added);
  t.equal((await cluster.masters()).length, 3);
  t.equal(added.pid, undefined);
  t.equal(await held(), KEYS);

  const holder = await cluster.masterOf(slot);
  const [successor] = await cluster.replicasOf(holder);
  await cluster.failover(successor!);
  t.equal(await cluster.masterOf(slot), successor, 'a planned failover');
  await cluster.whole();
  await successor!.stop('SIGKILL');
  while ((await cluster.masterOf(slot)) === successor) await new Promise((done) => setTimeout(done, 100));
  t.equal(await cluster.masterOf(slot), holder, 'and one after a kill');
  t.equal(await held(), KEYS);

  await cluster.stop();
  cluster = await startRedisCluster(options);
  t.equal(await held(), KEYS, 'a later start in the folder goes on with its data');
});
