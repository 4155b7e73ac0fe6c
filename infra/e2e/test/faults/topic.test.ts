import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { compareWithOracle } from '../../src/compare.ts';
import { observe, warmUp } from '../../src/endure.ts';
import { FaultReport, rowOf } from '../../src/fault-report.ts';
import { untilLogged } from '../../src/service-log.ts';
import { sendCalls, startWorld, type World } from '../../src/world.ts';

const report = new FaultReport(import.meta.url);

test('a recreated topic is refused by name, and the numbers stay', async (t) => {
  const world = await startWorld(t, { users: 2 });
  const { platform, traffic } = world;
  const [ingest] = platform.ingests;
  await sendCalls(world, 300);
  await warmUp(world);

  const refused = async () =>
    (await platform.metric('calltally_partition_refused')).some(({ value }) => value === 1);
  const remake = async () => {
    await ingest!.end('SIGTERM');
    await platform.remakeTopic();
    await platform.sendUnderKey(traffic.users[0]!, traffic.calls(20, Date.now()));
    await ingest!.start();
    for (let i = 0; i < 600 && !(await refused()); i++) await sleep(100);
  };
  const observed = await observe(world, remake, { quiet: true });
  t.ok(await refused(), 'the metric says so');
  t.ok(await untilLogged(ingest!, /was recreated.*calltally replay/), 'and the log, with what to do');
  const { whole, cut } = observed;
  t.same([...whole.statuses.keys(), ...cut.statuses.keys()], [200, 200], 'dashboards were answered');
  t.equal(whole.wrong + cut.wrong, 0, 'with the numbers from before');
  const differences = await compareWithOracle(world);
  t.same(differences, [], 'nothing of the new topic was counted');
  const row = rowOf('Topic recreated', {
    ...observed,
    quiet: true,
    exactAfterwards: differences.length === 0,
  });
  report.add(t, { ...row, during: 'exact', afterwards: `${row.afterwards}, refused until a person acts` });
});

async function sendToOnePartition({ platform, traffic, oracle }: World, count: number, known: boolean) {
  const events = known ? traffic.events(count, Date.now()) : traffic.calls(count, Date.now());
  if (known) for (const event of events) oracle.add(event);
  await platform.sendUnderKey('one-partition', events);
}

test('expired events are reported as lost, and counting goes on', async (t) => {
  const world = await startWorld(t, { users: 2 });
  const { platform } = world;
  const [ingest] = platform.ingests;
  await sendToOnePartition(world, 100, true);
  await platform.untilRead();

  await ingest!.end('SIGTERM');
  await sendToOnePartition(world, 50, false);
  await platform.expireAllRecords();
  await sendToOnePartition(world, 70, true);
  await ingest!.start();
  await platform.untilRead();
  t.equal(await platform.total('calltally_lost_events_total'), 50, 'as many as were lost');
  t.ok(await untilLogged(ingest!, /expired before they were stored/));
  t.same(await compareWithOracle(world), [], 'all others are counted');

  // Redis goes back to before the log start: counters are filled from Mongo under a new generation.
  await ingest!.end('SIGTERM');
  await platform.rewindCheckpoints();
  await ingest!.start();
  await sendToOnePartition(world, 30, true);
  await platform.untilRead();
  t.same(await compareWithOracle(world), [], 'exact although the checkpoints went back');
});
