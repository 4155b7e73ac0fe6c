import { dayOf, isoWeekYear, monthOf, weekOf } from '@calltally/domain';
import calculateSlot from 'cluster-key-slot';
import { test } from 'tap';
import {
  acquireFillSlot,
  addPieces,
  applyEvents,
  CounterSession,
  dequeueUsers,
  ensureGenerations,
  forgetUsers,
  queueUsers,
  readBuckets,
  readDigests,
  readFillQueue,
  readGenerations,
  readSegments,
  readWindowSums,
  requeueUsers,
  requireSuitableRedis,
  reserveUsers,
  snapshotUser,
  writeCheckpoint,
} from '../src/index.ts';
import { userKey } from '../src/keys.ts';
import { testCluster } from './cluster.ts';
import { DAY_MS, opened, sumsOf, warm } from './support.ts';

const NOW = Date.UTC(2026, 5, 15);

test('counters on a cluster of three masters', async (t) => {
  const { nodes, admins } = await testCluster(t);
  const open = async () => {
    const session = await CounterSession.open({
      clusterNodes: nodes,
      commandTimeoutMs: 5_000,
      openTimeoutMs: 5_000,
    });
    t.teardown(() => void session.end('the test is over'));
    return session;
  };
  const session = await open();
  const begin = { retentionMonths: 60, through: new Map([['0:0', 41]]) };
  const generations = await ensureGenerations(session, begin);
  const users = Array.from({ length: 90 }, (_, i) => `user-${i}`);
  const eventsOf = (offset: number) =>
    users.map((userId, i) => ({
      userId,
      events: [{ offset: offset + i, startedAt: NOW - (i % 40) * DAY_MS, durationMs: i + 1 }],
    }));

  await t.test(
    'every master has a generation of its own, on itself, and the same for every process',
    async (t) => {
      t.equal(session.masters.length, 3);
      t.equal(new Set([...generations.values()].map(({ id }) => id)).size, 3);
      t.equal(new Set(session.masters.map(({ generationKey: ledgerKey }) => ledgerKey)).size, 3);
      const other = await open();
      const found = await ensureGenerations(other, begin);
      t.strictSame(
        [...found.values()].map(({ id }) => id).sort(),
        [...generations.values()].map(({ id }) => id).sort(),
      );
      t.equal(await requireSuitableRedis(other), true);
      const ledgers = await Promise.all(admins.map((admin) => admin.keys('ct2:ledger:*')));
      t.strictSame(
        ledgers.map((keys) => keys.length),
        [1, 1, 1],
      );
      other.end('done');
    },
  );

  await t.test('users of all masters are opened, filled, applied and read in one call', async (t) => {
    t.strictSame(
      await applyEvents(session, generations, '0:0', eventsOf(100)),
      users.map(() => 'unknown'),
    );
    await warm({ session, generations }, users, NOW);
    t.strictSame(
      await applyEvents(session, generations, '0:0', eventsOf(100)),
      users.map(() => 1),
    );
    t.strictSame(
      await applyEvents(session, generations, '0:0', eventsOf(100)),
      users.map(() => 0),
    );
    for (const [i, userId] of users.entries()) {
      const inWindow = i % 40 <= 30;
      const window = inWindow ? { calls: 1, durationMs: i + 1 } : { calls: 0, durationMs: 0 };
      const reading = await readBuckets(session, generations, userId, NOW, []);
      t.strictSame(reading!.window, window);
      t.strictSame((await readWindowSums(session, generations, userId, NOW))!.window, window);
      const started = dayOf(NOW - (i % 40) * DAY_MS);
      const week = weekOf(started);
      const units = await readSegments(session, generations, userId, NOW, [
        { kind: 'month', month: monthOf(started) },
        { kind: 'weeks', isoYear: isoWeekYear(week), first: week, last: week },
      ]);
      const one = [{ calls: 1, durationMs: i + 1 }];
      t.strictSame(units!.values, [one, one]);
      t.equal((await snapshotUser(session, generations, userId, NOW))!.appliedThrough.get('0:0'), 100 + i);
    }
    const ready = await Promise.all(users.map((userId) => readWindowSums(session, generations, userId, NOW)));
    t.strictSame(
      ready.map((reading) => reading!.window.durationMs),
      users.map((_, i) => (i % 40 <= 30 ? i + 1 : 0)),
      'window sums of all slots at once',
    );
    const versions = await readDigests(session, generations, [...users, 'nobody']);
    t.equal(versions.pop(), undefined);
    t.strictSame(
      versions.map((version) => version!.lastStartedAt),
      users.map((_, i) => NOW - (i % 40) * DAY_MS),
      'digests too, in the order asked for',
    );
    const counts = await Promise.all(admins.map(async (admin) => (await admin.keys('ct2:{user-*}')).length));
    t.ok(
      counts.every((count) => count > 0),
      `users on each master: ${counts}`,
    );
    t.equal(
      counts.reduce((a, b) => a + b),
      users.length,
    );
  });

  await t.test('users wait to be filled on the master that holds them', async (t) => {
    await queueUsers(session, users, NOW);
    t.strictSame(await readFillQueue(session), { users: users.length, oldestMs: NOW });
    const waiting = await Promise.all(admins.map((admin) => admin.keys('ct2:filling:*')));
    t.strictSame(
      waiting.map((keys) => keys.length),
      [1, 1, 1],
    );
    t.equal((await reserveUsers(session, { empty: 1, part: 1 }, NOW)).length, 3, 'as many of each');
    await reserveUsers(session, { empty: 100, part: 1 }, NOW);
    await requeueUsers(session, new Map(users.map((id) => [id, { sinceMs: NOW, openedAtMs: NOW }])));
    const parts = await reserveUsers(session, { empty: 0, part: 100 }, NOW);
    t.strictSame(parts.toSorted(), users.toSorted());
    await dequeueUsers(session, new Map(users.map((id) => [id, { sinceMs: NOW, openedAtMs: NOW }])));
    t.strictSame(await readFillQueue(session), { users: 0, oldestMs: undefined });
    t.equal(await acquireFillSlot(session, 1, 'a'), 0, 'of all masters together');
    t.equal(await acquireFillSlot(session, 1, 'b'), undefined);
  });

  await t.test('users with any id lie where Redis says, and each is counted alone', async (t) => {
    const odd = [
      '}',
      '}{',
      '{}',
      'a}b',
      'a',
      '%7D',
      '%',
      '{a}:m:674',
      '__proto__',
      '客户',
      'é',
      'e\u0301',
      '+1555',
    ];
    const ids = [...odd, '💬'.repeat(256), 'x y', '\u202eabc', '$where', 'a\u2028b'];
    await warm({ session, generations }, ids, NOW);
    const events = ids.map((userId, i) => ({
      userId,
      events: [{ offset: 1_000 + i, startedAt: NOW, durationMs: i + 1 }],
    }));
    t.strictSame(
      await applyEvents(session, generations, '0:0', events),
      ids.map(() => 1),
    );
    for (const [i, userId] of ids.entries()) {
      t.equal(await admins[0]!.cluster('KEYSLOT', userKey(userId)), calculateSlot(userKey(userId)));
      const { window } = (await readBuckets(session, generations, userId, NOW, []))!;
      t.strictSame(window, { calls: 1, durationMs: i + 1 });
      const { buckets } = (await snapshotUser(session, generations, userId, NOW))!;
      t.strictSame([...buckets.values()], [window, window, window], 'its month, its day, its week');
    }
    const ready = await Promise.all(ids.map((userId) => readWindowSums(session, generations, userId, NOW)));
    t.strictSame(
      ready.map((reading) => reading!.window.durationMs),
      ids.map((_, i) => i + 1),
    );
    await forgetUsers(session, ids);
    t.strictSame(
      await readDigests(session, generations, ids),
      ids.map(() => undefined),
    );
  });

  await t.test('a checkpoint is written on every master', async (t) => {
    await writeCheckpoint({ session, generations }, { partition: '0:0', through: 200, asOfMs: 7 });
    for (const { checkpoints, asOf } of (await readGenerations(session)).values()) {
      t.equal(checkpoints.get('0:0'), 200);
      t.equal(asOf.get('0:0'), 7);
    }
  });

  await t.test('one master emptied: only its users are cold, and only its generation changes', async (t) => {
    await admins[1]!.flushall();
    const applied = await applyEvents(session, generations, '0:0', eventsOf(300));
    const emptied = session.masters.find(({ redis }) => redis.options.port === nodes[1]!.port)!;
    t.strictSame(
      applied,
      users.map((userId) => (session.master(userId) === emptied ? 'unknown' : 1)),
    );
    await t.rejects(writeCheckpoint({ session, generations }, { partition: '0:0', through: 400 }), {
      code: 'COUNTERS_GENERATION',
    });
    t.equal((await readGenerations(session)).size, 2);
    const next = await ensureGenerations(session, {
      retentionMonths: 60,
      through: new Map([['0:0', 150]]),
    });
    for (const [master, { id, checkpoints }] of next) {
      t.equal(id === generations.get(master)!.id, master !== emptied);
      t.equal(checkpoints.get('0:0'), master === emptied ? 150 : 400, 'each master has its own checkpoint');
    }
    const cold = users.filter((_, i) => applied[i] === 'unknown');
    const fillings = await opened({ session, generations: next }, cold, NOW, new Map([['0:0', 500]]));
    const pieces = cold.map((userId, i) => ({
      filling: fillings[i]!,
      sums: sumsOf(userId, [[dayOf(NOW), { calls: 5, durationMs: 50 }]], ['0:0']),
      fromMs: -Infinity,
    }));
    t.strictSame(
      await addPieces(session, next, pieces),
      cold.map(() => true),
    );
    for (const userId of cold) t.equal((await readBuckets(session, next, userId, NOW, []))!.today, 5);
  });

  await t.test('one connection cut: its master is lost, and the others go on', async (t) => {
    await admins[2]!.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    t.match(await session.ended, { code: 'COUNTERS_LOST' });
    t.equal(session.isOpen, false, 'whoever counts starts another epoch');
    t.equal(session.isUsable, true);
    t.ok(await session.change());
    const isCut = ({ redis }: { redis: { options: { port?: number } } }) =>
      redis.options.port === nodes[2]!.port;
    const own = await readGenerations(session);
    t.strictSame([...own.keys()].map(isCut), [false, false]);
    const today = async (userId: string) => (await readBuckets(session, own, userId, NOW, []))?.today;
    const digests = await readDigests(session, own, users);
    for (const [i, userId] of users.entries()) {
      t.equal(session.holds(userId), true, 'the session stays what it was when it was opened');
      const isLost = isCut(session.master(userId));
      t.equal(session.reaches(userId), !isLost);
      t.equal(digests[i] === undefined, isLost);
      if (isLost) t.equal(await today(userId), undefined, 'without its generation');
      else t.type(await today(userId), 'number');
    }
    await t.rejects(applyEvents(session, generations, '0:0', eventsOf(700)), { code: 'COUNTERS_LOST' });

    const next = await CounterSession.open(
      { clusterNodes: nodes, commandTimeoutMs: 5_000, openTimeoutMs: 5_000 },
      session,
    );
    const kept = next.masters.filter(({ redis }) => session.masters.some((one) => one.redis === redis));
    t.equal(kept.length, 2, 'connections that were not cut are kept');
    session.replacedBy(next);
    t.equal((await readGenerations(next)).size, 3);
    t.equal(next.isOpen, true);
    t.equal(await next.change(), undefined);
    next.end('done');
    for (const { redis } of [...session.masters, ...next.masters]) await t.rejects(redis.ping());

    const last = await CounterSession.open(
      { clusterNodes: nodes, commandTimeoutMs: 5_000, openTimeoutMs: 5_000 },
      session,
    );
    t.equal((await readGenerations(last)).size, 3, 'connections that were ended are not kept');
    last.end('done');
  });

  await t.test('a node that is down is skipped if another one knows the cluster', async (t) => {
    const gone = { host: '127.0.0.1', port: 1 };
    const settings = { commandTimeoutMs: 5_000, openTimeoutMs: 5_000 };
    const other = await CounterSession.open({ clusterNodes: [gone, nodes[2]!], ...settings });
    t.equal(other.masters.length, 3);
    other.end('done');
    await t.rejects(CounterSession.open({ clusterNodes: [gone], ...settings }), { code: 'COUNTERS_LOST' });
    await t.rejects(CounterSession.open({ clusterNodes: [], ...settings }), { code: 'COUNTERS_LOST' });
  });
});
