import { type Test, test } from 'tap';
import { badEvents } from '../src/bad-events.ts';
import { calltally, killCalltally } from '../src/command.ts';
import { compareWithOracle, compareWithRows } from '../src/compare.ts';
import { caughtUp, type Observed, observe } from '../src/endure.ts';
import { rounds } from '../src/rounds.ts';
import { Traffic } from '../src/traffic.ts';
import { together } from '../src/watch.ts';
import { Flow, sendCalls, startWorld, type World } from '../src/world.ts';

const FROM_KAFKA = ['rebuild', '--from', 'kafka', '--json'];
const USERS = 12;

function lines(out: string) {
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

async function exact(t: Test, world: World): Promise<void> {
  await caughtUp(world);
  t.same(await compareWithOracle(world), [], `every number equals the oracle, of ${world.oracle.size} calls`);
  const verified = await calltally(world.platform, 'verify', '--all', '--json');
  t.match(lines(verified.out).at(-1), { users: USERS, drifted: 0, differences: 0 }, 'verify finds nothing');
  t.same(await compareWithRows(world), [], 'the counters equal the rows');
}

function judge(t: Test, observed: Observed): void {
  const all = together(observed.whole, observed.cut);
  t.comment(`answers ${JSON.stringify([...all.statuses])} from ${JSON.stringify([...all.sources])}`);
  // Cold users need Mongo, which may be too slow at times on a machine this busy.
  const [answered = 0, late = 0] = [all.statuses.get(200), all.statuses.get(503)];
  t.equal(all.statuses.size, late === 0 ? 1 : 2, 'only status 200 and 503');
  t.ok(late * 20 < answered, `${answered} dashboards were answered, ${late} were put off`);
  t.equal(all.withoutRetryAfter, 0, 'every 503 said when to try again');
  t.equal(all.tooMany, 0, 'no dashboard had more calls than were sent');
  t.equal(all.tooFew, 0, 'no dashboard had fewer calls than its as-of promises');
  t.equal(all.wrong, 0, 'every dashboard was exact while nothing was sent');
}

test('counters are filled from the topic alone', async (t) => {
  const world = await startWorld(t, { users: USERS, ingests: 2 });
  const { platform, traffic, oracle, chance } = world;

  // The same calls and corrections by the same and other partitions, with other content; calls of other users with the
  // same ids; and messages that are no call.
  const events = traffic.events(600, Date.now());
  for (const event of events) oracle.add(event);
  await platform.producer.sendAll(events);
  await caughtUp(world);
  await platform.producer.sendAll(events.filter(() => chance.chance(0.3)));
  await platform.sendUnderKey(
    'another',
    events.filter(() => chance.chance(0.3)),
  );
  const completed = events.filter((event) => !event.deleted);
  const changed = completed.filter(() => chance.chance(0.2)).map((event) => traffic.changed(event));
  await platform.sendUnderKey('a-third', changed);
  const spoilt = new Traffic(chance, `${platform.topic}-bad`, 1);
  const bad = badEvents(() => ({ ...spoilt.call(Date.now()), duration_seconds: 60 }), Date.now());
  await platform.sendMessages(bad.map(({ key, value }) => ({ key, value })));
  await sendCalls(world, 100);
  await caughtUp(world);

  await t.test('while nothing is sent', async (t) => {
    let said = { status: -1, out: '', err: '' };
    const observed = await observe(
      world,
      async () => {
        said = await calltally(platform, ...FROM_KAFKA);
      },
      { quiet: true },
    );
    t.equal(said.status, 0, said.err + said.out);
    const end = { users: USERS, calls: oracle.counted, failed: 0, drifted: 0, complete: true };
    t.match(lines(said.out).at(-1), end);
    judge(t, observed);
    await exact(t, world);
  });

  await t.test('under traffic', async (t) => {
    const flow = new Flow(world);
    flow.start();
    const observed = await observe(world, async () => {
      for (let round = 0; round < rounds(3); round++) {
        const said = await calltally(platform, ...FROM_KAFKA);
        t.equal(said.status, 0, said.err + said.out);
        t.match(lines(said.out).at(-1), { users: USERS, failed: 0, drifted: 0, complete: true });
      }
    });
    await flow.stop();
    t.comment(`${flow.sent} calls were sent meanwhile`);
    judge(t, observed);
    await exact(t, world);
  });

  await t.test('killed half-way, again and again, under traffic', async (t) => {
    const flow = new Flow(world);
    flow.start();
    let kills = 0;
    const observed = await observe(world, async () => {
      for (const afterMs of [0, 400, 800, 1_200, 1_600]) {
        if (await killCalltally(platform, afterMs, ...FROM_KAFKA)) kills += 1;
      }
    });
    t.ok(kills >= 2, `killed ${kills} times`);
    judge(t, observed);
    const said = await calltally(platform, ...FROM_KAFKA);
    await flow.stop();
    t.match(lines(said.out).at(-1), { users: USERS, failed: 0, drifted: 0, complete: true });
    await exact(t, world);
  });
});
