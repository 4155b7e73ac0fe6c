import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { compareWithOracle, compareWithRows } from '../src/compare.ts';
import { caughtUp, warmUp } from '../src/endure.ts';
import { redisCommand } from '../src/engines.ts';
import { Flow, startWorld, type World } from '../src/world.ts';

const AUDITED = 'calltally_audited_users_total';
const DRIFTED = 'calltally_drifted_users_total';
const REPAIRED = 'calltally_repaired_users_total';
/** Leaves Mongo to the audit, which rests nine times as long as it worked. */
const PAUSE_MS = 500;
/** Longer than two rounds of an audit. */
const TWO_ROUNDS_MS = 11_000;

test('ingest finds and repairs drift by itself, and never reports a user without drift', async (t) => {
  const world = await startWorld(t, { users: 5, sessionTimeoutMs: 30_000 });
  const { platform, traffic } = world;
  await warmUp(world);
  const flow = new Flow(world, PAUSE_MS);
  flow.start();

  await t.test('while events flow for all users, none is reported as drifted', async (t) => {
    const before = flow.sent;
    await reaches(world, AUDITED, 15);
    t.ok((await platform.total(AUDITED)) >= 15, `${await platform.total(AUDITED)} users audited`);
    t.equal(await platform.total(DRIFTED), 0);
    t.ok(flow.sent - before > 50, `${flow.sent - before} events meanwhile`);
  });

  const [user, other] = traffic.users;
  await t.test('a user whose counters are damaged while events go on', async (t) => {
    await damage(world, user!);
    await reaches(world, REPAIRED, 1);
    t.equal(await platform.total(DRIFTED), 1, 'only this user is found');
    t.equal(await platform.total(REPAIRED), 1, 'and repaired');
    const [said, ...more] = platform.ingests[0]!.log.split('\n').filter((line) =>
      line.includes('"differences"'),
    );
    t.strictSame(more, []);
    const { level, userId, differences } = JSON.parse(said!);
    t.match({ level, userId }, { level: 'error', userId: user });
    t.equal(differences[0].has.calls - differences[0].shouldHave.calls, 5, 'it says what was wrong');
  });

  await t.test('and another one, again', async (t) => {
    await damage(world, other!);
    await reaches(world, REPAIRED, 2);
    t.equal(await platform.total(DRIFTED), 2);
    t.equal(await platform.total(REPAIRED), 2);
  });

  await t.test('and one whose sums by cell are damaged', async (t) => {
    // The first sums of the month's cells are gone, their names stay.
    await redisCommand(platform.redis.address, `HDEL ct2:{${user}}:c:${thisMonth()} 0`);
    await reaches(world, REPAIRED, 3);
    t.equal(await platform.total(DRIFTED), 3);
    t.equal(await platform.total(REPAIRED), 3);
    const said = platform.ingests[0]!.log.split('\n').filter((line) => line.includes('"differences"'));
    const { userId, differences } = JSON.parse(said.at(-1)!);
    t.equal(userId, user);
    t.match(differences[0].bucket, /^cell agent_id=.* of month /);
  });

  await flow.stop();
  await caughtUp(world);
  t.same(await compareWithOracle(world), [], 'every number equals the oracle');
  t.same(await compareWithRows(world), [], 'the counters equal the rows');
});

test('a rate of 0 audits nobody', async (t) => {
  const world = await startWorld(t, { users: 3, audit: { share: 1, usersPerMinute: 0 } });
  const { platform, traffic } = world;
  await warmUp(world);
  await damage(world, traffic.users[0]!);
  const flow = new Flow(world);
  flow.start();
  await sleep(TWO_ROUNDS_MS);
  await flow.stop();
  for (const name of [AUDITED, DRIFTED, REPAIRED]) t.equal(await platform.total(name), 0, name);
  await caughtUp(world);
  t.equal((await compareWithRows(world)).length, 1, 'the damage is still there');
});

/** Adds five calls to the current month that no row has. */
async function damage({ platform }: World, userId: string): Promise<void> {
  await redisCommand(platform.redis.address, `HINCRBY ct2:{${userId}}:m:${thisMonth()} c 5`);
}

function thisMonth(): number {
  const now = new Date();
  return (now.getUTCFullYear() - 1970) * 12 + now.getUTCMonth();
}

/** So long, since a round rests nine times as long as Mongo took, and drift is found in two rounds. */
const REACHED_WITHIN_MS = 400_000;

/** Waits, for a limited time, until a metric reaches a value. */
async function reaches({ platform }: World, name: string, atLeast: number): Promise<void> {
  for (const end = Date.now() + REACHED_WITHIN_MS; Date.now() < end; await sleep(200)) {
    if ((await platform.total(name)) >= atLeast) return;
  }
}
