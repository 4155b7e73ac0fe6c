import { test } from 'tap';
import {
  acquireFillSlot,
  dequeueUsers,
  NOTHING_FILLED,
  queuedUsers,
  queueFilling,
  queueUsers,
  readFillQueue,
  releaseFillSlot,
  requeueUsers,
  reserveUsers,
  withFillSlot,
} from '../src/index.ts';
import { testCounters } from './support.ts';

const NOW = Date.UTC(2026, 5, 15, 12);
const TAKEN_MS = 30_000;

test('the fill queue', async (t) => {
  const { session, admin } = await testCounters(t);
  const take = (empty: number, part: number, nowMs = NOW) => reserveUsers(session, { empty, part }, nowMs);
  const part = (sinceMs: number, openedAtMs = NOW) => ({ sinceMs, openedAtMs });
  t.beforeEach(() => admin.del('ct2:filling:{0}'));

  await t.test(
    'users with nothing: first come, first served; of the others, the newest next piece',
    async (t) => {
      for (const [i, id] of ['c', 'a', 'b'].entries()) await queueUsers(session, [id], NOW - 100 + i);
      await queueUsers(session, ['p-old', 'p-new', 'p-mid'], NOW - 200);
      await requeueUsers(
        session,
        new Map([
          ['p-old', part(NOW - 3e9)],
          ['p-new', part(NOW - 1e9)],
          ['p-mid', part(NOW - 2e9)],
        ]),
      );
      t.strictSame(await queuedUsers(session, 9), ['c', 'a', 'b', 'p-new', 'p-mid', 'p-old']);
      t.strictSame(await queuedUsers(session, 2), ['c', 'a']);
      t.strictSame(await readFillQueue(session), { users: 6, oldestMs: NOW - 100 });
      t.strictSame(await take(2, 1), ['c', 'a', 'p-new']);
      t.strictSame(await take(2, 1), ['b', 'p-mid'], 'others, not those that are taken');
      t.strictSame(await take(2, 0), []);
      t.strictSame(await take(0, 5), ['p-old']);
      t.strictSame(await take(9, 9), []);
      t.strictSame(await readFillQueue(session), { users: 6, oldestMs: undefined }, 'they still wait');
    },
  );

  await t.test('users whose reservation has ended are reserved again, before new ones', async (t) => {
    await queueUsers(session, ['lost', 'lost-too'], NOW);
    t.strictSame(await take(9, 9), ['lost', 'lost-too']);
    await queueUsers(session, ['new'], NOW + 1);
    t.strictSame(await take(0, 9, NOW + TAKEN_MS), []);
    t.strictSame(await take(9, 9, NOW + TAKEN_MS - 1), ['new']);
    t.strictSame(await take(1, 9, NOW + TAKEN_MS), ['lost']);
    await queueUsers(session, ['newer'], NOW + TAKEN_MS);
    t.strictSame(await take(2, 9, NOW + TAKEN_MS), ['lost-too', 'newer']);
    t.strictSame(await take(9, 9, NOW + TAKEN_MS), []);
  });

  await t.test('a queued user keeps their position, and a reserved one stays reserved', async (t) => {
    await queueUsers(session, ['a'], NOW);
    await queueUsers(session, ['b'], NOW + 1);
    await queueFilling(session, ['a', 'b', 'c'], NOW + 2);
    t.strictSame(await readFillQueue(session), { users: 3, oldestMs: NOW });
    t.strictSame(await take(1, 0), ['a']);
    await queueFilling(session, ['a'], NOW + 3);
    t.strictSame(await take(9, 9), ['b', 'c']);
  });

  await t.test('a reopened user waits again, even while reserved', async (t) => {
    await queueUsers(session, ['a', 'b'], NOW);
    t.strictSame(await take(1, 0), ['a']);
    await queueUsers(session, ['a'], NOW + 1);
    t.strictSame(await take(9, 9), ['b', 'a']);
  });

  await t.test(
    'requeued: a user with a part by since, one with nothing by the time of opening',
    async (t) => {
      await queueUsers(session, ['a', 'b', 'c', 'old'], NOW);
      t.equal((await take(9, 9)).length, 4);
      await requeueUsers(
        session,
        new Map([
          ['b', part(NOTHING_FILLED, NOW + 5)],
          ['a', part(NOTHING_FILLED, NOW + 7)],
          ['c', part(NOW)],
          ['old', part(-5e12)],
        ]),
      );
      t.strictSame(await queuedUsers(session, 9), ['b', 'a', 'c', 'old']);
      t.strictSame(await readFillQueue(session), { users: 4, oldestMs: NOW + 5 });
      t.strictSame(await take(9, 0), ['b', 'a']);
      t.strictSame(await take(0, 9), ['c', 'old'], 'a part that reaches back beyond 1970 is one');
    },
  );

  await t.test('a complete user leaves the queue, and empty lists send no command', async (t) => {
    await queueUsers(session, ['a', 'b', 'c'], NOW);
    await dequeueUsers(
      session,
      new Map([
        ['a', part(NOTHING_FILLED)],
        ['nobody', part(NOTHING_FILLED)],
      ]),
    );
    t.strictSame(await queuedUsers(session, 9), ['b', 'c']);
    await requeueUsers(session, new Map([['b', part(NOW - 5)]]));
    await dequeueUsers(session, new Map([['b', part(NOW - 5)]]));
    t.strictSame(await queuedUsers(session, 9), ['c']);
    t.strictSame(await take(9, 9), ['c']);
    await dequeueUsers(session, new Map([['c', part(NOTHING_FILLED, 0)]]));
    t.strictSame(await readFillQueue(session), { users: 0, oldestMs: undefined });
    await queueUsers(session, [], NOW);
    await queueFilling(session, [], NOW);
    await dequeueUsers(session, new Map());
    await requeueUsers(session, new Map());
    t.equal(await admin.exists('ct2:filling:{0}'), 0);
  });

  await t.test('a user who was reopened while their last piece was filled stays in the queue', async (t) => {
    await queueUsers(session, ['a', 'b'], NOW);
    t.strictSame(await take(1, 0), ['a']);
    await queueUsers(session, ['a', 'b'], NOW + 1);
    await dequeueUsers(
      session,
      new Map([
        ['a', part(NOTHING_FILLED)],
        ['b', part(NOTHING_FILLED)],
      ]),
    );
    t.strictSame(await queuedUsers(session, 9), ['a', 'b']);
  });

  await t.test(
    'a reopened user whom another process dequeued is requeued by whoever reserved them',
    async (t) => {
      await queueUsers(session, ['a'], NOW);
      t.strictSame(await take(1, 0), ['a']);
      await dequeueUsers(session, new Map([['a', part(NOTHING_FILLED, NOW - 5)]]));
      await requeueUsers(session, new Map([['a', part(NOW - 5)]]));
      t.strictSame(await take(0, 1), ['a']);
    },
  );

  await t.test('a session that is over says so', async (t) => {
    const { session: over } = await testCounters(t);
    over.end('over');
    await t.rejects(queueUsers(over, ['a'], NOW), { code: 'COUNTERS_LOST' });
    await t.rejects(reserveUsers(over, { empty: 1, part: 1 }, NOW), { code: 'COUNTERS_LOST' });
    await t.rejects(readFillQueue(over), { code: 'COUNTERS_LOST' });
    await t.rejects(acquireFillSlot(over, 1, 'a'), { code: 'COUNTERS_LOST' });
  });
});

test('slots bound how many hold one, and expire', async (t) => {
  const { session, admin } = await testCounters(t);
  t.equal(await acquireFillSlot(session, 2, 'a'), 0);
  t.equal(await acquireFillSlot(session, 2, 'b'), 1);
  t.equal(await acquireFillSlot(session, 2, 'c'), undefined);
  t.equal(await acquireFillSlot(session, 0, 'c'), undefined);
  await releaseFillSlot(session, 0, 'b');
  t.equal(await acquireFillSlot(session, 2, 'c'), undefined, 'nobody gives back what is another’s');
  await releaseFillSlot(session, 0, 'a');
  t.equal(await acquireFillSlot(session, 2, 'c'), 0);
  await releaseFillSlot(session, 0, 'a');
  t.equal(await admin.get('ct2:fill-slot:{0}:0'), 'c');
  for (const slot of [0, 1]) {
    const left = await admin.pttl(`ct2:fill-slot:{0}:${slot}`);
    t.ok(left > 0 && left <= 15_000, 'a lease that is not given back runs out');
  }
  await admin.pexpire('ct2:fill-slot:{0}:0', 1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.equal(await acquireFillSlot(session, 2, 'd'), 0);
});

test('work may release its slot before its end', async (t) => {
  const { session } = await testCounters(t);
  const done = await withFillSlot(session, 1, async (release) => {
    t.equal(await acquireFillSlot(session, 1, 'other'), undefined);
    await release();
    t.equal(await acquireFillSlot(session, 1, 'other'), 0);
    await release();
    return 'done';
  });
  t.equal(done, 'done');
  t.equal(await acquireFillSlot(session, 1, 'third'), undefined, 'the end leaves the other’s alone');
  await releaseFillSlot(session, 0, 'other');
  await t.rejects(
    withFillSlot(session, 1, () => Promise.reject(new Error('failed'))),
    { message: 'failed' },
  );
  t.equal(await acquireFillSlot(session, 1, 'third'), 0, 'work that fails releases it, too');
});

test('a full Redis leaves the queue unchanged, gives no slot and ends no session', async (t) => {
  const { session, admin } = await testCounters(t);
  await queueUsers(session, ['a', 'b'], NOW);
  t.strictSame(await reserveUsers(session, { empty: 1, part: 0 }, NOW), ['a']);
  const before = await admin.zrange('ct2:filling:{0}', '0', '-1', 'WITHSCORES');
  await admin.config('SET', 'maxmemory', '1');
  const part = new Map([['a', { sinceMs: NOW, openedAtMs: NOW }]]);

  await queueUsers(session, ['c'], NOW);
  await queueFilling(session, ['d'], NOW);
  await requeueUsers(session, part);
  t.equal(await acquireFillSlot(session, 2, 'holder'), undefined);
  t.strictSame(await admin.zrange('ct2:filling:{0}', '0', '-1', 'WITHSCORES'), before);
  t.strictSame(await queuedUsers(session, 9), ['b', 'a']);
  t.ok(session.isOpen, 'dashboards are read by it all the same');

  await admin.config('SET', 'maxmemory', '0');
  await requeueUsers(session, part);
  t.strictSame(await queuedUsers(session, 9), ['b', 'a']);
  t.equal(await acquireFillSlot(session, 2, 'holder'), 0);
});
