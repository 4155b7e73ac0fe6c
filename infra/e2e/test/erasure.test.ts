import { setTimeout as sleep } from 'node:timers/promises';
import type { CallEvent } from '@calltally/contract';
import { MongoClient } from 'mongodb';
import { type Test, test } from 'tap';
import { calltally, killCalltallyAt } from '../src/command.ts';
import { compareWithOracle, compareWithRows } from '../src/compare.ts';
import { ask } from '../src/dashboard.ts';
import { caughtUp, observe, warmUp } from '../src/endure.ts';
import { redisCommand } from '../src/engines.ts';
import { together } from '../src/watch.ts';
import { sendCalls, startWorld, type World } from '../src/world.ts';

/** After each of these the command is killed. */
const KILLED_AFTER = ['known', 'deleted', 'forgotten'];
/** Gentle, since what is sent is read again several times. */
const PAUSE_MS = 300;
const CALLS = 40;

/** A user beside those of the oracle, who sends the same calls again and again, and corrects them. */
class Leaver {
  readonly userId: string;
  readonly #world: World;
  #revision = 0;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(world: World) {
    this.#world = world;
    this.userId = `${world.platform.topic}-leaver-}%7D`;
  }

  calls(revision = 0): CallEvent[] {
    return Array.from({ length: CALLS }, (_, i) => ({
      call_id: `call-${i}`,
      user_id: this.userId,
      started_at: new Date(Date.now() - i * 3_600_000).toISOString(),
      duration_seconds: 60,
      revision,
    }));
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const { platform } = this.#world;
    while (!this.#stopped) {
      this.#revision += 1;
      await platform.producer.sendAll(this.calls(this.#revision));
      await platform.sendUnderKey('another-key', this.calls(this.#revision).slice(0, 5));
      await sleep(PAUSE_MS);
    }
  }
}

/** Where Mongo and Redis name a user. */
async function tracesOf({ platform }: World, userId: string): Promise<string[]> {
  const traces: string[] = [];
  const mongo = new MongoClient(platform.mongoUri);
  try {
    for (const { name } of await mongo.db().listCollections().toArray()) {
      for (const document of await mongo.db().collection(name).find().toArray()) {
        const text = JSON.stringify(document);
        if (name !== 'erasures' && text.includes(userId)) traces.push(`${name} ${text}`);
      }
    }
  } finally {
    await mongo.close();
  }
  const keys = await redisCommand(
    platform.redis.address,
    `KEYS *${userId.replace(/[%}]/g, encodeURIComponent)}*`,
  );
  if (keys !== '*0\r\n') traces.push(keys);
  const queued = await redisCommand(platform.redis.address, `ZSCORE ct2:filling:{0} ${userId}`);
  if (queued !== '$-1\r\n') traces.push(`queued ${queued}`);
  return traces;
}

async function othersExact(t: Test, world: World): Promise<void> {
  await caughtUp(world);
  t.same(await compareWithOracle(world), [], `every number equals the oracle, of ${world.oracle.size} calls`);
  t.same(await compareWithRows(world), [], 'the counters equal the rows');
}

test('an erased user stays erased, and nobody else notices', async (t) => {
  const world = await startWorld(t, { users: 4, ingests: 2 });
  const { platform } = world;
  const leaver = new Leaver(world);
  const { userId } = leaver;
  const key = await platform.key(userId);
  const run = async (...args: string[]) => {
    const done = await calltally(platform, ...args);
    t.comment(`${args.slice(0, 4).join(' ')}: ${done.status} ${done.err.slice(0, 200).trim()}`);
    return done;
  };
  const erase = ['users', 'erase', '--user', userId, '--yes', '--json'];
  await warmUp(world);
  await platform.producer.sendAll(leaver.calls());
  await platform.sendMessages([
    { key: userId, value: JSON.stringify({ ...leaver.calls()[0], duration_seconds: -1 }) },
  ]);
  await caughtUp(world);
  t.equal((await ask(platform.api.url, key)).body.data?.total_calls, CALLS);
  t.equal((await run('dlq', 'discard', '--code', 'DURATION_INVALID', '--yes')).status, 0);
  t.match(JSON.parse((await run('users', 'list', '--json')).out).users, { length: 5 });

  let isOver = false;
  const others = (async () => {
    for (; !isOver; await sleep(PAUSE_MS)) await sendCalls(world, 20);
  })();
  leaver.start();
  const observed = await observe(world, async () => {
    for (const step of KILLED_AFTER)
      t.ok(await killCalltallyAt(platform, step, ...erase), `killed after ${step}`);
    await platform.ingests[0]!.end('SIGKILL');
    platform.ingests[0]!.launch();
    // Nobody runs it again: ingest finishes it.
    for (;;) {
      const listed = JSON.parse((await calltally(platform, 'users', 'list', '--erased', '--json')).out);
      if (listed.users[0]?.state === 'finished') break;
      await sleep(500);
    }
    await leaver.stop();
    // What came between the end of that one and now.
    const again = await run(...erase);
    t.equal(again.status, 0, again.err + again.out);
  });
  isOver = true;
  await others;
  const all = together(observed.whole, observed.cut);
  t.equal(all.tooMany, 0, 'no dashboard had more calls than were sent');
  t.equal(all.tooFew, 0, 'no dashboard had fewer calls than its as-of promises');
  await othersExact(t, world);
  t.same(await tracesOf(world, userId), []);
  t.equal((await ask(platform.api.url, key)).status, 401, 'the key is refused');
  const { letters } = JSON.parse((await run('dlq', 'list', '--json')).out);
  const [{ id }] = letters;
  const retried = await run('dlq', 'retry', id, '--force', '--json');
  t.match(retried.err, 'LETTER_OF_ERASED_USER');
  t.equal(retried.status, 1);

  await t.test('whatever is read again', async (t) => {
    await platform.rewindCheckpoints();
    await platform.restartServices();
    await othersExact(t, world);
    t.same(await tracesOf(world, userId), [], 'after events were read again');
    const replayed = await run('replay', '--from', 'earliest', '--json');
    const end = JSON.parse(replayed.out.trim().split('\n').at(-1)!);
    t.match(end, { event: 'end', restored: 0, complete: true });
    t.ok(end.erased > CALLS, `${end.erased} events were left out`);
    t.same(await tracesOf(world, userId), [], 'after a replay');
    t.equal((await run('rebuild', '--all', '--json')).status, 0);
    await platform.flushRedis();
    await othersExact(t, world);
    t.same(await tracesOf(world, userId), [], 'after Redis was emptied');
  });

  await t.test('later events count, as those of a new user', async (t) => {
    const fresh = await platform.key(userId);
    await platform.producer.sendAll(leaver.calls().slice(0, 3));
    await caughtUp(world);
    const answer = await ask(platform.api.url, fresh);
    t.equal(answer.body.data?.total_calls, 3);
    t.equal((await ask(platform.api.url, key)).status, 401);
    const verified = await run('verify', '--all', '--json');
    t.match(JSON.parse(verified.out.trim().split('\n').at(-1)!), { users: 5, drifted: 0 });
    const rebuilt = await run('rebuild', '--from', 'kafka', '--json');
    t.equal(rebuilt.status, 0, rebuilt.out + rebuilt.err);
    await caughtUp(world);
    t.equal((await ask(platform.api.url, fresh)).body.data?.total_calls, 3, 'also from the topic');
  });
  const called = platform.ingests.filter(({ log }) => log.includes('"differences"')).length;
  t.equal(called, 0, 'no user was reported as drifted');
});
