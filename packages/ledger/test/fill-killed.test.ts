import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readFillStatuses } from '@calltally/counters';
import { testMongo } from '@calltally/stack/testing';
import { toRow } from '@calltally/store';
import { test } from 'tap';
import { auditUsers, Filler, recordBatch } from '../src/index.ts';
import { batchOf, bothOf, callOf, callsIn, DAY_MS, testWorld, until } from './support.ts';

const PROCESS = fileURLToPath(new URL('./fill-process.ts', import.meta.url));
const AT_ONCE = 3;
const KILLS = 20;
/** On a busy machine it takes more of them until some user was seen complete. */
const KILLS_MAX = 200;
const WHALE_ROWS = 1_200;
/** How long a process works at most before it is killed. */
const LIVES_MS = 400;

test('processes that fill the same users are killed at random: nothing is counted twice or lost', async (t) => {
  const world = await testWorld(t);
  const { store, admin, db } = world;
  const ledger = await world.begin();
  const mongo = await testMongo(t);
  const users = ['u-whale', ...Array.from({ length: 12 }, (_, i) => `u-small-${i}`)];
  const calls = users.flatMap((userId, i) =>
    Array.from({ length: i === 0 ? WHALE_ROWS : 8 }, () =>
      callOf(userId, { startedAt: Date.now() - randomInt(600 * DAY_MS), durationMs: randomInt(1, 9_999) }),
    ),
  );
  await store.calls.insert(
    calls.map((call, offset) => toRow(call, { stream: 0, partition: offset % 2, offset })),
  );
  for (const partition of [0, 1]) await store.progress.advanceStored(0, partition, calls.length);

  let killed = 0;
  const seen = { filling: 0, complete: 0 };
  const goesOn = () => killed < KILLS || (killed < KILLS_MAX && (seen.filling === 0 || seen.complete === 0));
  const live = async () => {
    while (goesOn()) {
      const child = spawn(
        process.execPath,
        [
          '--import=tsx',
          '--conditions=calltally',
          PROCESS,
          world.redis.address,
          mongo.address,
          db.databaseName,
          ...users,
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      t.teardown(() => child.kill('SIGKILL'));
      const closed = once(child, 'close');
      await Promise.race([once(child.stdout, 'data'), closed]);
      await sleep(randomInt(LIVES_MS));
      t.equal(child.exitCode, null, 'it was at work');
      child.kill('SIGKILL');
      await closed;
      killed += 1;
    }
  };
  const offsets = [calls.length + 1, calls.length + 1];
  const counted = new Map<string, number>();
  const write = async () => {
    while (goesOn()) {
      const partition = randomInt(2);
      const events = Array.from({ length: randomInt(1, 5) }, () => {
        const userId = users[randomInt(users.length)]!;
        counted.set(userId, (counted.get(userId) ?? 0) + 1);
        const startedAt = Date.now() - randomInt(600 * DAY_MS);
        return { offset: offsets[partition]!++, call: callOf(userId, { startedAt }) };
      });
      await recordBatch(ledger, batchOf(partition, events));
    }
  };
  const audit = async () => {
    const auditing = await world.begin();
    while (goesOn()) {
      const { filling, compared, differences } = await auditUsers(auditing, users);
      t.strictSame(differences, []);
      seen.filling += filling.length;
      seen.complete += compared - filling.length;
      await sleep(200);
    }
  };
  await Promise.all([...Array.from({ length: AT_ONCE }, live), write(), audit()]);
  t.comment(`${killed} killed`, seen);
  t.ok(seen.filling > 0 && seen.complete > 0);

  // As if leases had run out: users and slot of a killed process go to the next one.
  await admin.del('ct2:fill-slot:{0}:0', 'ct2:fill-slot:{0}:1');
  for (const userId of await admin.zrange('ct2:filling:{0}', '0', '-1')) {
    await admin.zadd('ct2:filling:{0}', String(1e14 + Date.now()), userId);
  }
  const filler = new Filler({ ledger: () => ledger });
  t.teardown(() => filler.stop());
  filler.start();
  for (const userId of users) filler.add(userId);
  const standings = await until(
    () => readFillStatuses(ledger.session, ledger.generations, users),
    (all) => all.every((one) => one === 'complete'),
  );
  t.strictSame(new Set(standings), new Set(['complete']), 'another one goes on with all of them');
  for (const [i, userId] of users.entries()) {
    const both = (await bothOf(world, ledger, userId))!;
    t.strictSame(both.counters, both.rows, userId);
    t.equal(callsIn(both.counters), (i === 0 ? WHALE_ROWS : 8) + (counted.get(userId) ?? 0));
  }
});
