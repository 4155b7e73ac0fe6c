import { dayOf, type Tally } from '@calltally/domain';
import { test } from 'tap';
import {
  applyEvents,
  beginGenerations,
  installUsers,
  leaseUsers,
  type RecountedUser,
  readBuckets,
  snapshotUser,
} from '../src/index.ts';
import { DAY_MS, RETENTION_MONTHS, testCounters, warm } from './support.ts';

const NOW = Date.UTC(2025, 5, 15, 12);
const TODAY = dayOf(NOW);
const COLD_ONLY = { evenIfWarm: false, respectMs: 0 };

function recountedUser(
  userId: string,
  days: [number, Tally][] = [],
  partitions: string[] = ['0:0'],
): RecountedUser {
  return {
    userId,
    days: new Map(days),
    partitions: new Set(partitions),
    lastStartedAt: days.length ? NOW : -1,
  };
}

test('replacing a user’s counters', async (t) => {
  const counters = await testCounters(t);
  const { session, generations, admin } = counters;
  const stored = new Map([
    ['0:0', 10],
    ['0:1', 20],
  ]);
  const lease = (userId: string, name: string, request = COLD_ONLY, nowMs = NOW) =>
    leaseUsers(session, generations, [userId], name, nowMs, request).then(([reply]) => reply);
  const install = (user: RecountedUser, name: string, nowMs = NOW, cut = stored) =>
    installUsers(session, generations, [user], cut, name, nowMs).then(([reply]) => reply);
  const apply = (userId: string, partition: string, offset: number) =>
    applyEvents(session, generations, partition, [
      { userId, events: [{ offset, startedAt: NOW, durationMs: 1 }] },
    ]).then(([a]) => a);

  await t.test(
    'what is installed is what was recounted, through stored of the rows’ partitions and no others',
    async (t) => {
      t.equal(await lease('u-1', 'a'), 'leased');
      const days: [number, Tally][] = [
        [TODAY, { calls: 2, durationMs: 30 }],
        [TODAY - 1, { calls: 1, durationMs: 5 }],
        [TODAY - 40, { calls: 4, durationMs: 2 ** 52 }],
      ];
      t.equal(await install(recountedUser('u-1', days), 'a'), 'installed');
      const snapshot = (await snapshotUser(session, generations, 'u-1', NOW))!;
      t.strictSame(snapshot.applied, new Map([['0:0', 10]]));
      t.strictSame(snapshot.buckets.get('m:665'), { calls: 3, durationMs: 35 });
      t.strictSame(snapshot.buckets.get('m:665:15'), { calls: 2, durationMs: 30 });
      t.strictSame(snapshot.buckets.get('m:664:6'), { calls: 4, durationMs: 2 ** 52 });
      t.strictSame((await readBuckets(session, generations, 'u-1', NOW, []))!.window, {
        calls: 3,
        durationMs: 35,
      });
      t.equal(await apply('u-1', '0:0', 10), 0, 'through stored');
      t.equal(await apply('u-1', '0:0', 11), 1, 'beyond it');
      t.equal(await apply('u-1', '0:1', 3), 1, 'a partition without rows');
    },
  );

  await t.test('without its lease nothing is installed', async (t) => {
    t.equal(await install(recountedUser('u-2'), 'none'), 'lost', 'never leased');
    t.equal(await lease('u-2', 'first'), 'leased');
    t.equal(await lease('u-2', 'second'), 'leased', 'taken over, within the same millisecond too');
    t.equal(await install(recountedUser('u-2'), 'first'), 'lost');
    t.equal(await install(recountedUser('u-2'), 'second'), 'installed');
    t.equal(await install(recountedUser('u-2'), 'second'), 'lost', 'a lease serves once');
    t.equal(await lease('u-2', 'third', { evenIfWarm: true, respectMs: 0 }), 'leased');
    await admin.flushall();
    t.equal(await install(recountedUser('u-2'), 'third'), 'lost', 'gone with everything else');
    const again = await beginGenerations(session, { retentionMonths: RETENTION_MONTHS, through: new Map() });
    for (const [master, generation] of again) generations.set(master, generation);
  });

  await t.test(
    'events applied beyond stored while rows were added up make the recount come again',
    async (t) => {
      await warm(counters, ['u-3'], NOW);
      t.equal(await apply('u-3', '0:0', 10), 1);
      t.equal(await lease('u-3', 'a', { evenIfWarm: true, respectMs: 0 }), 'leased');
      t.equal(await apply('u-3', '0:0', 11), 1);
      const before = await admin.hgetall('ct:{u-3}');
      t.equal(await install(recountedUser('u-3'), 'a'), 'behind');
      t.strictSame(await admin.hgetall('ct:{u-3}'), before, 'and nothing is touched');
      t.equal(
        await install(recountedUser('u-3'), 'a', NOW, new Map([['0:1', 99]])),
        'behind',
        'a partition that stored does not know',
      );
      t.equal(await install(recountedUser('u-3'), 'a', NOW, new Map([['0:0', 11]])), 'installed');
    },
  );

  await t.test('a user who is complete is left alone unless asked for', async (t) => {
    await warm(counters, ['u-4'], NOW);
    t.equal(await lease('u-4', 'a'), 'warm');
    t.equal(await lease('u-4', 'a', { evenIfWarm: true, respectMs: 0 }), 'leased');
    t.equal(await apply('u-4', '0:0', 1), 1, 'and goes on counting meanwhile');
    t.equal((await readBuckets(session, generations, 'u-4', NOW, []))!.today, 1);
  });

  await t.test('another’s lease is respected while it is young, and taken over when it is not', async (t) => {
    t.equal(await lease('u-5', 'a', COLD_ONLY, NOW), 'leased');
    t.equal(await lease('u-5', 'b', { evenIfWarm: false, respectMs: 1_000 }, NOW + 999), 'busy');
    t.equal(await lease('u-5', 'b', { evenIfWarm: false, respectMs: 1_000 }, NOW + 1_001), 'leased');
    t.equal(await install(recountedUser('u-5'), 'a'), 'lost');
  });

  await t.test('a lease left by a process whose clock was ahead does not keep a recorder out', async (t) => {
    t.equal(await lease('u-6', 'a', COLD_ONLY, NOW + DAY_MS), 'leased');
    t.equal(await lease('u-6', 'b', COLD_ONLY, NOW), 'leased');
  });

  await t.test(
    'counters of another generation are neither read nor kept: a recount leaves nothing of them behind',
    async (t) => {
      await warm(counters, ['u-7'], NOW);
      const events = [0, 40, 200, 400].map((ago, offset) => ({
        offset,
        startedAt: NOW - ago * DAY_MS,
        durationMs: 1,
      }));
      await applyEvents(session, generations, '0:0', [{ userId: 'u-7', events }]);
      t.ok((await admin.keys('ct:{u-7}:*')).length >= 5);
      await admin.hset('ct:{u-7}', 'g', 'older');
      t.equal(await install(recountedUser('u-7'), 'a'), 'generation');
      t.equal(await lease('u-7', 'a'), 'leased');
      t.equal(await install(recountedUser('u-7', [[TODAY, { calls: 1, durationMs: 9 }]]), 'a'), 'installed');
      t.strictSame((await admin.keys('ct:{u-7}*')).sort(), ['ct:{u-7}', 'ct:{u-7}:m:665', 'ct:{u-7}:w:2025']);
      t.strictSame((await snapshotUser(session, generations, 'u-7', NOW))!.buckets.get('m:665'), {
        calls: 1,
        durationMs: 9,
      });
    },
  );

  await t.test('days that are no longer kept are not written, days a little ahead are', async (t) => {
    // Redis lets buckets go by its own clock.
    const nowMs = Date.now();
    const today = dayOf(nowMs);
    await warm(counters, ['u-8'], nowMs);
    const { fromDay } = (await snapshotUser(session, generations, 'u-8', nowMs))!;
    await lease('u-8', 'a', { evenIfWarm: true, respectMs: 0 }, nowMs);
    const one = { calls: 1, durationMs: 1 };
    const days: [number, Tally][] = [
      [fromDay - 1, one],
      [fromDay, one],
      [today + 1, one],
      [today + 70, one],
    ];
    t.equal(await install(recountedUser('u-8', days), 'a', nowMs), 'installed');
    const ahead = await readBuckets(session, generations, 'u-8', (today + 70) * DAY_MS, []);
    t.equal(ahead!.today, 1);
    const { buckets } = (await snapshotUser(session, generations, 'u-8', nowMs))!;
    const months = [...buckets].filter(([name]) => /^m:\d+$/.test(name));
    t.equal(
      months.reduce((sum, [, { calls }]) => sum + calls, 0),
      2,
      'of the months that a snapshot looks at',
    );
  });

  await t.test('everything that is installed expires', async (t) => {
    for (const key of await admin.keys('ct:{u-*')) t.ok((await admin.ttl(key)) > 0, key);
  });
});
