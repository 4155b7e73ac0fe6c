import { cpSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { compareWithOracle, compareWithRecount } from '../src/compare.ts';
import { caughtUp, warmUp } from '../src/endure.ts';
import { Flow } from '../src/flow.ts';
import { sendCalls, startWorld, type World } from '../src/world.ts';

async function backUp({ platform: { mongo } }: World): Promise<void> {
  await mongo.stop('SIGTERM');
  cpSync(mongo.dataDir!, `${mongo.dataDir}.older`, { recursive: true, preserveTimestamps: true });
  await mongo.start();
}

async function putBack({ platform: { mongo } }: World, awayMs: number): Promise<void> {
  await mongo.stop('SIGKILL');
  rmSync(mongo.dataDir!, { recursive: true, force: true });
  cpSync(`${mongo.dataDir}.older`, mongo.dataDir!, { recursive: true, preserveTimestamps: true });
  await sleep(awayMs);
  await mongo.start();
}

async function rows({ platform, keys }: World): Promise<number> {
  const everything = [{ from: 0, until: 8.64e15 }];
  const tallies = await Promise.all(
    [...keys.keys()].map((user) => platform.store.tallies.ofRanges(user, everything)),
  );
  return tallies.flat().reduce((sum, { calls }) => sum + calls, 0);
}

test('a Mongo that was put back to an older backup is filled up again from the topic, and nothing is counted twice', async (t) => {
  const world = await startWorld(t, { users: 8, own: ['mongo'] });
  const { platform, traffic, oracle } = world;
  await sendCalls(world, 400);
  await warmUp(world);
  await backUp(world);
  const flow = async (ms: number) => {
    const flow = new Flow(world);
    flow.start();
    await sleep(ms);
    await flow.stop();
  };
  // The same call by two partitions: another of its events may become the canonical one.
  const twice = traffic.calls(60, Date.now());
  for (const event of twice) oracle.add(event);
  await platform.sendUnderKey('one', twice);
  await caughtUp(world);
  await platform.sendUnderKey('another', twice);
  await platform.sendUnderKey('a-third', twice);
  await flow(1_500);
  await caughtUp(world);

  await t.test('while ingest is stopped', async (t) => {
    await platform.ingests[0]!.end('SIGTERM');
    await putBack(world, 0);
    t.ok((await rows(world)) < oracle.size, 'rows are gone');
    await platform.ingests[0]!.start();
    await caughtUp(world);
    t.same(await compareWithOracle(world), [], 'every number equals the oracle');
    t.same(await compareWithRecount(world), [], 'Redis is what a recount from Mongo says');
  });

  await t.test('while ingest is running and has nothing to count', async (t) => {
    await putBack(world, 0);
    await sleep(1_000);
    await caughtUp(world);
    t.same(await compareWithOracle(world), [], 'every number equals the oracle');
    t.same(await compareWithRecount(world), [], 'Redis is what a recount from Mongo says');
  });

  await t.test('while events flow', async (t) => {
    const flow = new Flow(world);
    flow.start();
    await sleep(1_000);
    await putBack(world, 3_000);
    await sleep(1_000);
    await flow.stop();
    await caughtUp(world);
    t.same(await compareWithOracle(world), [], 'every number equals the oracle');
    t.same(await compareWithRecount(world), [], 'Redis is what a recount from Mongo says');
  });
});
