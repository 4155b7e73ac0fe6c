import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DAY_MS, dayOf, dayOfMonth, monthOf, startOfDay } from '@calltally/domain';
import {
  auditUsers,
  CountersLink,
  DashboardReader,
  Filler,
  fallbackLimit,
  fillPieces,
  type LedgerContext,
  PieceReader,
  RowsAsOf,
} from '@calltally/ledger';
import { toRow } from '@calltally/store';
import { test } from 'tap';
import { rebuild } from '../../src/audit/rebuild-run.ts';
import { callOf, countedUsers, jsonLines } from '../counted-users.ts';
import { calltally } from '../support.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const userName = (i: number) => `u-${String(i).padStart(5, '0')}`;

test('rebuild', async (t) => {
  const world = await countedUsers(t);
  const { env, count, record, redis, ledger } = world;
  const users = Array.from({ length: 500 }, (_, i) => userName(i));
  await count(users.flatMap((userId, i) => Array.from({ length: 1 + (i % 2) }, () => callOf(userId))));
  const month = monthOf(dayOf(Date.now()));
  const run = (...args: string[]) => calltally(['rebuild', ...args], { env });

  await t.test(
    'users that differ and users that Redis does not know are made right, and both are told',
    async (t) => {
      await redis.hincrby(`ct2:{${users[3]}}:m:${month}`, 'c', 1);
      await redis.del(`ct2:{${users[7]}}:m:${month}`);
      await redis.del(...users.slice(100, 150).map((userId) => `ct2:{${userId}}`));
      const { status, out, err } = await run('--all', '--json');
      t.equal(status, 0, err);
      const lines = jsonLines(out);
      t.match(lines[0], { event: 'start', users: 0, calls: 0 });
      const end = { users: 500, calls: 750, drifted: 2, cold: 50, repaired: 52, failed: 0 };
      t.match(lines.at(-1), { event: 'end', ...end, resumed: false, complete: true, seconds: Number });
      t.strictSame(await auditUsers(ledger, users), {
        compared: 500,
        cold: [],
        differences: [],
        filling: [],
      });
      const text = await run('--all');
      t.match(
        text.out,
        /^500 users, 750 calls: 0 differed, 0 were unknown to Redis, 0 were being filled, 0 repaired, \S+ s\n$/,
      );
    },
  );

  await t.test('one user alone, and nobody who never called', async (t) => {
    await redis.hincrby(`ct2:{${users[3]}}:m:${month}`, 'c', 1);
    await redis.hincrby(`ct2:{${users[4]}}:m:${month}`, 'c', 1);
    const { out } = await run('--user', users[3]!, '--json');
    t.match(jsonLines(out).at(-1), { users: 1, calls: 2, drifted: 1, repaired: 1, complete: true });
    t.equal((await auditUsers(ledger, [users[3]!, users[4]!])).differences.length, 1);
    const nobody = await run('--user', 'nobody', '--json');
    t.match(nobody, { status: 1, out: '' });
    t.equal(JSON.parse(nobody.err).error.code, 'USER_UNKNOWN');
  });

  await t.test('a user who is being filled is filled to the end, and begun anew only if wrong', async (t) => {
    const calls = [0, 3, 40, 80, 90].map((days) => callOf('u-part', Date.now() - days * DAY_MS));
    await record(calls);
    const pieces = new PieceReader(ledger.store.tallies, { wholeTimeoutMs: 0, firstSpanMs: 5 * DAY_MS });
    const openedAt = () => redis.hget('ct2:{u-part}', 'n');
    await fillPieces(ledger, pieces, ['u-part']);
    const before = await openedAt();
    const { out } = await run('--user', 'u-part', '--json');
    const found = { users: 1, calls: 5, drifted: 0, cold: 0, filling: 1, repaired: 1, failed: 0 };
    t.match(jsonLines(out).at(-1), found);
    t.equal(await openedAt(), before);
    const right = { compared: 1, cold: [], filling: [], differences: [] };
    t.strictSame(await auditUsers(ledger, ['u-part']), right);

    await redis.del('ct2:{u-part}');
    await fillPieces(ledger, pieces, ['u-part']);
    await redis.hincrby(`ct2:{u-part}:m:${month}`, `${dayOfMonth(dayOf(Date.now()))}c`, 1);
    const wrong = await run('--user', 'u-part', '--json');
    t.match(jsonLines(wrong.out).at(-1), { ...found, drifted: 1, filling: 0 });
    t.strictSame(await auditUsers(ledger, ['u-part']), right);
  });

  await t.test('asked to stop amid a user with many rows, it adds up no more of them', async (t) => {
    await count(Array.from({ length: 60 }, (_, n) => callOf('u-long', Date.now() - n * 5 * DAY_MS)));
    const piecesOf = ({ store }: LedgerContext) =>
      new PieceReader(store.tallies, { wholeTimeoutMs: 0, rowsWanted: 3, firstSpanMs: 15 * DAY_MS });
    const request = { userId: 'u-long', concurrency: 1, restart: false, slots: 2, piecesOf };
    for (const isCold of [false, true]) {
      if (isCold) await redis.del('ct2:{u-long}');
      const stopping = new AbortController();
      const told: number[] = [];
      const hooks = {
        onStart() {},
        onProgress(_: unknown, { done }: { done: number }) {
          told.push(done);
          if (done > 0) stopping.abort();
        },
      };
      const done = await rebuild(ledger, request, hooks, stopping.signal);
      t.match(done, { users: 0, complete: false });
      t.ok(told.at(-1)! < 60, `ended after ${told.at(-1)} rows`);
    }
    const { out } = await run('--user', 'u-long', '--json');
    t.match(jsonLines(out).at(-1), { calls: 60, filling: 1, complete: true }, 'and the next one goes on');
  });

  await t.test('a command line that cannot be meant is refused with 2', async (t) => {
    const wrong = [
      [],
      ['--user', 'u', '--all'],
      ['--user', 'u', '--restart'],
      ['--all', '--concurrency', '17'],
    ];
    for (const args of wrong) {
      const { status, err } = await run(...args, '--json');
      t.equal(status, 2, args.join(' '));
      t.equal(JSON.parse(err).error.code, 'USAGE');
    }
  });

  await t.test('asked to stop, it says so with 130, and the next one goes on', async (t) => {
    const stopping = new AbortController();
    stopping.abort();
    const stopped = await calltally(['rebuild', '--all', '--json'], { env, signal: stopping.signal });
    t.equal(stopped.status, 130);
    t.match(jsonLines(stopped.out).at(-1), { event: 'end', complete: false });
    t.match(jsonLines((await run('--all', '--json')).out).at(-1), {
      users: 502,
      resumed: true,
      complete: true,
    });
    t.match(jsonLines((await run('--all', '--json')).out).at(-1), { users: 502, resumed: false });
  });
});

test('rebuild of everybody while calls are counted: no dashboard is wrong at any moment', async (t) => {
  const { env, store, record, redis, ledger } = await countedUsers(t);
  const users = Array.from({ length: 40 }, (_, i) => userName(i));
  const today = dayOf(Date.now());
  const counted = new Map(users.map((userId) => [userId, 0]));
  const begun = new Map(counted);
  const write = async (userIds: readonly string[], partition: number) => {
    for (const userId of userIds) begun.set(userId, begun.get(userId)! + 1);
    await record(
      userIds.map((userId) => callOf(userId, startOfDay(today) + 1)),
      partition,
    );
    for (const userId of userIds) counted.set(userId, counted.get(userId)! + 1);
  };
  await write(users, 0);

  const link = new CountersLink({ url: env.REDIS_URL!, commandTimeoutMs: 5_000, openTimeoutMs: 5_000 });
  const filler = new Filler({ ledger: () => link.current && { store, ...link.current } });
  const reader = new DashboardReader({
    store,
    link,
    filler,
    rowsAsOf: new RowsAsOf(store),
    fallbacks: fallbackLimit(),
  });
  await link.start();
  filler.start();
  t.teardown(() => {
    filler.stop();
    return link.stop();
  });

  let going = true;
  const writer = async (partition: number) => {
    while (going)
      await write([users[Math.floor(Math.random() * users.length)]!, users[partition]!], partition);
  };
  let answers = 0;
  const watcher = async () => {
    while (going) {
      const userId = users[Math.floor(Math.random() * users.length)]!;
      const least = counted.get(userId)!;
      const range = { from: startOfDay(today - 30), until: startOfDay(today + 1) };
      const reading = await reader.read(userId, range, startOfDay(today + 1) - 1);
      const most = begun.get(userId)!;
      for (const calls of [reading.range.calls, reading.today, reading.thisWeek, reading.thisMonth]) {
        if (calls < least || calls > most) t.fail(`${userId}: ${calls} is not from ${least} to ${most}`);
      }
      answers += 1;
    }
  };
  const work = [writer(0), writer(1), watcher(), watcher()];
  for (let round = 0; round < 6; round++) {
    // Cold users only: a drift by hand would make answers wrong before the rebuild does.
    await redis.del(...users.slice(round * 5, round * 5 + 10).map((userId) => `ct2:{${userId}}`));
    const { status, out } = await calltally(['rebuild', '--all', '--json'], { env });
    t.equal(status, 0);
    t.match(jsonLines(out).at(-1), { drifted: 0, failed: 0, users: 40 });
  }
  going = false;
  await Promise.all(work);
  t.ok(answers > 50, `${answers} answers`);
  t.strictSame(await auditUsers(ledger, users), { compared: 40, cold: [], differences: [], filling: [] });
});

test('rebuild killed half-way goes on where it was; another generation begins anew', async (t) => {
  const { env, store, begin, ledger, redis } = await countedUsers(t);
  const users = Array.from({ length: 12_000 }, (_, i) => userName(i));
  for (let at = 0; at < users.length; at += 2_000) {
    const rows = users
      .slice(at, at + 2_000)
      .map((userId, i) => toRow(callOf(userId), { stream: 0, partition: 0, offset: at + i }));
    await store.calls.insert(rows);
  }
  await store.progress.advanceStored(0, 0, users.length - 1);

  const killed = async () => {
    const child = start(env);
    for (let i = 0; i < 1_200 && !(await store.rebuilds.unfinished())?.users; i++) {
      if (child.exitCode !== null) break;
      await sleep(25);
    }
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return store.rebuilds.unfinished();
  };
  const half = await killed();
  t.ok(
    half !== undefined && half.users > 0 && half.users < users.length,
    `killed after ${half?.users} users`,
  );

  const { status, out } = await calltally(['rebuild', '--all', '--json'], { env });
  t.equal(status, 0);
  const [first, last] = [jsonLines(out)[0], jsonLines(out).at(-1)];
  t.match(first, { event: 'start', users: half!.users });
  t.match(last, {
    users: users.length,
    calls: users.length,
    repaired: Number,
    resumed: true,
    complete: true,
  });
  t.equal(await store.rebuilds.unfinished(), undefined);
  for (let at = 0; at < users.length; at += 500) {
    const audit = await auditUsers(ledger, users.slice(at, at + 500));
    t.strictSame(audit, { compared: 500, cold: [], differences: [], filling: [] });
  }

  // What was done in a Redis that is gone says nothing of the one that is there.
  await store.rebuilds.save({ ...half!, through: users.at(-2)! });
  await redis.flushall();
  await begin();
  const anew = jsonLines((await calltally(['rebuild', '--all', '--json'], { env })).out).at(-1);
  t.match(anew, { users: users.length, cold: users.length, resumed: false });

  // And --restart looks at everybody once more.
  const current = [...(await begin()).generations.values()][0]!.id;
  await store.rebuilds.save({ ...half!, generation: current, through: users.at(-2)! });
  const restarted = await calltally(['rebuild', '--all', '--restart', '--json'], { env });
  t.match(jsonLines(restarted.out).at(-1), { users: users.length, cold: 0, resumed: false });
});

function start(env: Record<string, string>): ChildProcess {
  const args = [
    '--import=tsx',
    '--conditions=calltally',
    MAIN,
    'rebuild',
    '--all',
    '--concurrency',
    '1',
    '--json',
  ];
  return spawn(process.execPath, args, { env: { PATH: process.env.PATH!, ...env }, stdio: 'ignore' });
}
