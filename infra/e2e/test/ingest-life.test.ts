import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { compareWithOracle } from '../src/compare.ts';
import { Oracle } from '../src/oracle.ts';
import { Platform } from '../src/platform.ts';
import { Chance } from '../src/random.ts';
import { Traffic } from '../src/traffic.ts';

/** Longer than the session timeout that the platform sets, 1.5 s. */
const LONGER_THAN_A_SESSION_MS = 5_000;

test('a store that is away costs no membership, and a stop ends well with the store away', async (t) => {
  const chance = Chance.fromEnvironment();
  const platform = await Platform.start(t, { ownEngines: true });
  const [ingest] = platform.ingests;
  const traffic = new Traffic(chance, platform.topic, 3);
  const oracle = new Oracle();
  const keys = new Map<string, string>();
  for (const user of traffic.users) keys.set(user, await platform.key(user));
  const send = async (count: number) => {
    const events = traffic.calls(count, Date.now());
    for (const event of events) oracle.add(event);
    await platform.producer.sendAll(events);
  };
  await send(200);
  await platform.untilRead();
  const member = await platform.groupMembers();
  t.equal(member.length, 1);

  for (const engine of [platform.mongo, platform.redis]) {
    await engine.stop('SIGKILL');
    await send(200);
    await sleep(LONGER_THAN_A_SESSION_MS);
    t.same(
      await platform.groupMembers(),
      member,
      `the same member of the group after ${engine.name} was away`,
    );
    await engine.start();
    await platform.untilRead();
    t.same(await compareWithOracle(platform, oracle, keys), [], `exact after ${engine.name} was away`);
  }

  await platform.mongo.stop('SIGKILL');
  await send(200);
  await sleep(500);
  // Bounded by the promise to stop within 10 seconds.
  const ended = await Promise.race([ingest!.end('SIGTERM'), sleep(10_000, 'still there')]);
  t.equal(ended, 0, 'stopped within 10 seconds');
  await platform.mongo.start();
  await ingest!.start();
  await platform.untilRead();
  t.same(
    await compareWithOracle(platform, oracle, keys),
    [],
    'and what waited was counted by the next process',
  );
});

test('a topic made anew is refused by name, and the numbers stay', async (t) => {
  const chance = Chance.fromEnvironment();
  const platform = await Platform.start(t);
  const traffic = new Traffic(chance, platform.topic, 2);
  const oracle = new Oracle();
  const keys = new Map<string, string>();
  for (const user of traffic.users) keys.set(user, await platform.key(user));
  const events = traffic.calls(300, Date.now());
  for (const event of events) oracle.add(event);
  await platform.producer.sendAll(events);
  await platform.untilRead();

  await platform.ingests[0]!.end('SIGTERM');
  await platform.remakeTopic();
  await platform.sendUnderKey(traffic.users[0]!, traffic.calls(20, Date.now()));
  await platform.ingests[0]!.start();
  const refused = async () =>
    (await platform.metric('calltally_partition_refused')).some(({ value }) => value === 1);
  for (let i = 0; i < 100 && !(await refused()); i++) await sleep(100);
  t.ok(await refused(), 'the metric says so');
  t.match(platform.ingests[0]!.log, /made anew/, 'and the log, with what to do');
  t.same(await compareWithOracle(platform, oracle, keys), [], 'nothing of the new topic was counted');
});

test('events that the topic let go of are named as lost, and counting goes on', async (t) => {
  const chance = Chance.fromEnvironment();
  const platform = await Platform.start(t);
  const traffic = new Traffic(chance, platform.topic, 2);
  const oracle = new Oracle();
  const keys = new Map<string, string>();
  for (const user of traffic.users) keys.set(user, await platform.key(user));
  const send = async (count: number, known: boolean) => {
    const events = traffic.calls(count, Date.now());
    if (known) for (const event of events) oracle.add(event);
    await platform.sendUnderKey('one-partition', events);
  };
  await send(100, true);
  await platform.untilRead();

  await platform.ingests[0]!.end('SIGTERM');
  await send(50, false);
  await platform.letGoOfAllRecords();
  await send(70, true);
  await platform.ingests[0]!.start();
  await platform.untilRead();
  const lost = (await platform.metric('calltally_lost_events_total')).reduce(
    (sum, { value }) => sum + value,
    0,
  );
  t.equal(lost, 50, 'as many as were lost');
  t.match(platform.ingests[0]!.log, /let go of events/);
  t.same(await compareWithOracle(platform, oracle, keys), [], 'all others are counted');

  // Redis goes back behind what the topic holds: everything is counted from Mongo under a new generation.
  await platform.ingests[0]!.end('SIGTERM');
  await platform.rewindMarks();
  await platform.ingests[0]!.start();
  await send(30, true);
  await platform.untilRead();
  t.same(
    await compareWithOracle(platform, oracle, keys),
    [],
    'exact although the marks could not be followed',
  );
});
