import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { calltally } from '../src/command.ts';
import { compareWithOracle, compareWithRows } from '../src/compare.ts';
import { caughtUp, observe } from '../src/endure.ts';
import { Flow, startWorld, type World } from '../src/world.ts';

async function untilRefused({ platform }: World): Promise<void> {
  for (let i = 0; i < 200; i++) {
    const refused = await platform.metric('calltally_partition_refused');
    if (refused.some(({ value }) => value === 1)) return;
    await sleep(100);
  }
  throw new Error('no partition was refused');
}

for (const { title, remake } of [
  {
    title: 'while ingest was stopped',
    async remake({ platform }: World) {
      await platform.ingests[0]!.end('SIGTERM');
      await platform.remakeTopic();
      await platform.ingests[0]!.start();
    },
  },
  { title: 'while ingest was running', remake: ({ platform }: World) => platform.remakeTopic() },
]) {
  test(`a recreated topic ${title}: refused, then counted from its start in a new stream`, async (t) => {
    const world = await startWorld(t, { users: 6 });
    const { platform, traffic, oracle, chance } = world;
    const old = traffic.events(400, Date.now());
    for (const event of old) oracle.add(event);
    await platform.producer.sendAll(old);
    await caughtUp(world);

    const watched = await observe(
      world,
      async () => {
        await remake(world);
        await untilRefused(world);
      },
      { quiet: true },
    );
    t.equal(watched.whole.wrong + watched.cut.wrong, 0, 'dashboards stay the same');
    const refused = await calltally(platform, 'replay', '--from', 'earliest', '--json');
    t.match(refused, { status: 1, err: /TOPIC_MADE_ANEW/ }, 'and replay does not take the one for the other');

    // Events that an outbox sends again are counted already.
    const again = old.filter(() => chance.chance(0.5));
    await platform.producer.sendAll(again);
    const fresh = traffic.events(200, Date.now());
    for (const event of fresh) oracle.add(event);
    await platform.producer.sendAll(fresh);

    const begun = await calltally(platform, 'replay', '--new-stream', '--yes', '--json');
    t.equal(begun.status, 0, begun.err);
    t.match(JSON.parse(begun.out), { stream: 1, previous: 0 });
    await caughtUp(world);
    t.same(await compareWithOracle(world), [], 'every number equals the oracle');
    t.same(await compareWithRows(world), [], 'the counters equal the rows');

    const flow = new Flow(world);
    flow.start();
    const replayed = await calltally(platform, 'replay', '--from', 'earliest', '--json');
    await flow.stop();
    t.equal(replayed.status, 0, replayed.err);
    t.match(JSON.parse(replayed.out.trim().split('\n').at(-1)!), { restored: 0, complete: true });
    await caughtUp(world);
    t.same(await compareWithOracle(world), [], 'and still does after a replay under traffic');
  });
}
