import { dayOf } from '@calltally/domain';
import { test } from 'tap';
import {
  addPieces,
  applyEvents,
  claimUsers,
  ensureGenerations,
  firstKeptDay,
  forgetUsers,
  NOTHING_FILLED,
  openUsers,
  readBuckets,
  readDigests,
  readFillStatuses,
  readSegments,
  readWindowSums,
  snapshotUser,
} from '../src/index.ts';
import { DAY_MS, opened, RETENTION_MONTHS, sumsOf, testCounters, warm } from './support.ts';

const NOW = Date.UTC(2025, 5, 15, 12);
const BASE = new Map([
  ['0:0', 10],
  ['0:1', 7],
  ['0:11', 3],
]);

test('opening a user', async (t) => {
  const counters = await testCounters(t);
  const { session, generations, admin } = counters;
  const claim = (userId: string, nowMs = NOW) =>
    claimUsers(session, generations, [userId], nowMs).then(([reply]) => reply!);
  const open = (userId: string, id: string, fillId = 'fill', base = BASE, nowMs = NOW) =>
    openUsers(session, generations, [{ userId, claim: id, fillId }], base, nowMs).then(([reply]) => reply);
  const apply = (userId: string, partition: string, offset: number, startedAt = NOW) =>
    applyEvents(session, generations, partition, [
      { userId, events: [{ offset, startedAt, durationMs: 1 }] },
    ]).then(([applied]) => applied);
  const idOf = async (userId: string) => ((await claim(userId)) as { id: string }).id;

  await t.test('a standing claim is shared, and makes nobody known', async (t) => {
    const id = await idOf('u-1');
    t.equal(await idOf('u-1'), id);
    t.strictSame(await admin.hgetall('ct2:{u-1}'), { g: [...generations.values()][0]!.id, c: id });
    t.strictSame(await readFillStatuses(session, generations, ['u-1']), ['unknown']);
    t.equal(await readBuckets(session, generations, 'u-1', NOW, []), undefined);
    t.equal(await readSegments(session, generations, 'u-1', NOW, []), undefined);
    t.equal(await readWindowSums(session, generations, 'u-1', NOW), undefined);
    t.strictSame(await readDigests(session, generations, ['u-1']), [undefined]);
    t.equal(await snapshotUser(session, generations, 'u-1', NOW), undefined);
    t.equal(await apply('u-1', '0:0', 11), 'unknown');
  });

  await t.test('an open user has nothing yet, and counts only what lies beyond base', async (t) => {
    const filling = await open('u-2', await idOf('u-2'));
    const fromDay = firstKeptDay(dayOf(NOW), RETENTION_MONTHS);
    t.strictSame(filling, {
      fillId: 'fill',
      sinceMs: NOTHING_FILLED,
      base: BASE,
      fromDay,
      openedAtMs: NOW,
    });
    t.strictSame(await readFillStatuses(session, generations, ['u-2']), [filling]);
    t.strictSame(await admin.hgetall('ct2:{u-2}'), {
      g: [...generations.values()][0]!.id,
      i: 'fill',
      b: ' 0:0=10 0:1=7 0:11=3',
      s: String(NOTHING_FILLED),
      f: String(fromDay),
      x: '-1',
      n: String(NOW),
    });
    t.equal(await claim('u-2'), 'filling');
    for (const [partition, offset] of BASE) t.equal(await apply('u-2', partition, offset), 0, partition);
    t.equal(await apply('u-2', '0:1', 8), 1);
    t.equal(await apply('u-2', '0:1', 8), 0, 'once');
    t.equal(await apply('u-2', '0:11', 4), 1);
    t.equal(await apply('u-2', '0:2', 0), 1, 'a partition that base does not know');
    t.equal(await apply('u-2', '1:1', 7), 1, 'another stream');
    const [some] = await applyEvents(session, generations, '0:0', [
      {
        userId: 'u-2',
        events: [9, 10, 11, 12].map((offset) => ({ offset, startedAt: NOW, durationMs: 1 })),
      },
    ]);
    t.equal(some, 2, 'of a batch that begins at or below it the rest');
    const snapshot = (await snapshotUser(session, generations, 'u-2', NOW))!;
    t.strictSame(
      new Map([...snapshot.appliedThrough].toSorted()),
      new Map([
        ['0:0', 12],
        ['0:1', 8],
        ['0:11', 4],
        ['0:2', 0],
        ['1:1', 7],
      ]),
    );
    t.equal(snapshot.sinceMs, NOTHING_FILLED);
    t.equal(snapshot.buckets.get('m:665')!.calls, 6);
    t.equal(snapshot.lastStartedAt, NOW);
  });

  await t.test('readers learn that the counters do not know enough', async (t) => {
    t.equal(await readBuckets(session, generations, 'u-2', NOW, []), undefined);
    t.equal(await readWindowSums(session, generations, 'u-2', NOW), undefined, 'nothing is made ready');
    t.equal(await readSegments(session, generations, 'u-2', NOW, [{ kind: 'month', month: 665 }]), undefined);
    t.ok((await readDigests(session, generations, ['u-2']))[0], 'so that whoever follows them sees changes');
  });

  await t.test('only the standing claim opens, and only once', async (t) => {
    t.equal(await open('u-3', 'none'), undefined, 'never claimed');
    t.equal(await admin.exists('ct2:{u-3}'), 0);
    const first = await idOf('u-3');
    await forgetUsers(session, ['u-3']);
    t.equal(await open('u-3', first), undefined, 'forgotten since');
    const second = await idOf('u-3');
    t.not(second, first);
    t.equal(await open('u-3', first), undefined);
    t.ok(await open('u-3', second, 'mine'));
    const before = await admin.hgetall('ct2:{u-3}');
    t.equal(await open('u-3', second, 'again'), undefined, 'a claim serves once');
    t.equal(await open('u-3', first), undefined);
    t.strictSame(await admin.hgetall('ct2:{u-3}'), before);
  });

  await t.test('claims and openings leave a complete user alone', async (t) => {
    await warm(counters, ['u-4'], NOW);
    const before = await admin.hgetall('ct2:{u-4}');
    t.equal(await claim('u-4'), 'complete');
    t.equal(await open('u-4', 'any'), undefined);
    t.strictSame(await admin.hgetall('ct2:{u-4}'), before);
    t.strictSame(await readFillStatuses(session, generations, ['u-4']), ['complete']);
  });

  await t.test(
    'nothing is left from before the user was forgotten, nor from another generation',
    async (t) => {
      await warm(counters, ['u-5'], NOW);
      for (const ago of [0, 40, 200, 400]) await apply('u-5', '0:0', 1_000 - ago, NOW - ago * DAY_MS);
      const events = [400, 200, 40, 0].map((ago, offset) => ({
        offset,
        startedAt: NOW - ago * DAY_MS,
        durationMs: 1,
      }));
      await applyEvents(session, generations, '0:3', [{ userId: 'u-5', events }]);
      t.ok((await admin.keys('ct2:{u-5}:*')).length >= 5);
      await admin.hset('ct2:{u-5}', 'g', 'older', 's', '5', 'l', '1:old');
      t.strictSame(await readFillStatuses(session, generations, ['u-5']), ['unknown']);
      const id = await idOf('u-5');
      t.strictSame(Object.keys(await admin.hgetall('ct2:{u-5}')).sort(), ['c', 'g']);
      await open('u-5', id);
      t.strictSame(await admin.keys('ct2:{u-5}*'), ['ct2:{u-5}']);
      t.equal(await admin.hexists('ct2:{u-5}', 'a:0:0'), 0);
    },
  );

  await t.test('a Redis emptied in between: nothing of the older generation is written', async (t) => {
    const id = await idOf('u-6');
    const [filling] = await opened(counters, ['u-7'], NOW, BASE);
    await admin.flushall();
    t.equal(await open('u-6', id), undefined);
    const again = await ensureGenerations(session, { retentionMonths: RETENTION_MONTHS, through: new Map() });
    const piece = { filling: filling!, sums: sumsOf('u-7'), fromMs: -Infinity };
    t.strictSame(await addPieces(session, generations, [piece]), [false]);
    const [theirs] = await claimUsers(session, again, ['u-6'], NOW);
    t.equal(await open('u-6', (theirs as { id: string }).id), undefined, 'a claim of the new one');
    for (const [master, generation] of again) generations.set(master, generation);
    t.strictSame((await admin.keys('ct2:*')).sort(), ['ct2:ledger:{0}', 'ct2:{u-6}']);
  });

  await t.test('a base of 500 partitions fits, and is deleted with the last piece', async (t) => {
    const base = new Map(Array.from({ length: 500 }, (_, i) => [`0:${i}`, 1e12 + i]));
    const [filling] = await opened(counters, ['u-8'], NOW, base);
    t.strictSame(await readFillStatuses(session, generations, ['u-8']), [filling]);
    t.strictSame(filling!.base, base);
    for (const partition of [0, 1, 10, 49, 99, 499]) {
      t.equal(await apply('u-8', `0:${partition}`, 1e12 + partition), 0);
      t.equal(await apply('u-8', `0:${partition}`, 1e12 + partition + 1), 1);
    }
    t.equal((await snapshotUser(session, generations, 'u-8', NOW))!.appliedThrough.size, 500);
    const sums = sumsOf('u-8', [[dayOf(NOW), { calls: 2, durationMs: 2 }]], ['0:1', '0:7']);
    t.strictSame(await addPieces(session, generations, [{ filling: filling!, sums, fromMs: -Infinity }]), [
      true,
    ]);
    const snapshot = (await snapshotUser(session, generations, 'u-8', NOW))!;
    t.strictSame(
      [...snapshot.appliedThrough.keys()].sort(),
      ['0:0', '0:1', '0:10', '0:49', '0:499', '0:7', '0:99'],
      'the partitions that calls came by',
    );
    t.equal(await admin.hexists('ct2:{u-8}', 'b'), 0);
  });

  await t.test('claimed and opened hashes expire', async (t) => {
    const nowMs = Date.now();
    const [reply] = await claimUsers(session, generations, ['u-9'], nowMs);
    t.ok((await admin.ttl('ct2:{u-9}')) > 0);
    await open('u-9', (reply as { id: string }).id, 'f', BASE, nowMs);
    t.ok((await admin.ttl('ct2:{u-9}')) > 0);
  });

  await t.test('no users, no commands', async (t) => {
    t.strictSame(await claimUsers(session, generations, [], NOW), []);
    t.strictSame(await openUsers(session, generations, [], BASE, NOW), []);
    t.strictSame(await readFillStatuses(session, generations, []), []);
    t.strictSame(await addPieces(session, generations, []), []);
    await t.rejects(claimUsers(session, new Map(), ['u-1'], NOW), { code: 'COUNTERS_GENERATION' });
  });
});
