import { testKafka } from '@calltally/stack/testing';
import { test } from 'tap';
import { runCalltally } from '../src/command.ts';
import { KINDS } from '../src/edge/kinds.ts';
import { EdgeWorld, PARTITIONS } from '../src/edge/world.ts';
import { Chance } from '../src/random.ts';

/** Long enough for a machine with two cores that runs other tests meanwhile. */
const WITHIN_MS = 60_000;

test('nothing odd stops what is behind it or beside it, nor as-of', async (t) => {
  const engine = await testKafka(t);
  const chance = Chance.fromEnvironment();
  t.comment(`E2E_SEED=${chance.seed}`);
  const chosen = process.env.EDGE_KIND;
  for (const [name, send] of Object.entries(KINDS)) {
    if (chosen !== undefined && chosen !== name) continue;
    await t.test(name, async (t) => {
      const world = await EdgeWorld.start(t, engine);
      await world.ingest.start();
      await world.sendGood(0, 5);
      // Last of all, so that no good event advances the partition past it.
      await send(world, 0, chance);
      t.strictSame(await world.faults(WITHIN_MS), [], 'when nothing follows it');
      await send(world, 1, chance);
      for (const partition of [0, 1, 2]) await world.sendGood(partition, 10);
      t.strictSame(await world.faults(WITHIN_MS), [], 'when good events follow it, and on other partitions');
      if (world.refused.length > 0) t.comment(`the broker refused: ${world.refused.join(', ')}`);
    });
  }
});

test('several hundred odd things between good events', async (t) => {
  const engine = await testKafka(t);
  const chance = Chance.fromEnvironment();
  t.comment(`E2E_SEED=${chance.seed}`);
  const world = await EdgeWorld.start(t, engine);
  await world.ingest.start();
  // One of these takes as long as a hundred of the others.
  const heavy = ['batch that unpacks to too much', 'large values in one batch'];
  const light = Object.keys(KINDS).filter((name) => !heavy.includes(name));
  const names = chance.shuffle([
    ...Array.from({ length: 300 }, () => chance.pick(light)),
    ...heavy.flatMap((name) => [name, name]),
  ]);
  for (const name of names) {
    const partition = chance.int(0, PARTITIONS - 1);
    world.count(name);
    await KINDS[name]!(world, partition, chance);
    if (chance.chance(0.5)) await world.sendGood(chance.int(0, PARTITIONS - 1), chance.int(1, 5));
  }
  t.strictSame(await world.faults(3 * WITHIN_MS), []);
  t.strictSame([...world.ingest.readiness.held], [], 'no partition is held');

  // The commands read the same records.
  for (const [command, ...args] of [
    ['replay', '--from', 'earliest'],
    ['rebuild', '--from', 'kafka'],
    ['lag'],
  ]) {
    const { status, err } = await runCalltally(world.environment, command!, ...args);
    t.equal(status, 0, `${command}: ${err}`);
    t.strictSame(await world.faults(WITHIN_MS), [], `after ${command}`);
  }
  for (const [name, times] of [...world.sent].sort()) t.comment(`${times} × ${name}`);
  t.comment(`${world.good.size} good events, ${world.letters.length} dead letters`);
  t.comment(`refused by the broker: ${world.refused.length}`);
});
