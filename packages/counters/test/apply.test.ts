import { strict as assert } from 'node:assert';
import { dayOf, firstDayOfMonth, monthOf } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import {
  applyEvents,
  type CountableEvent,
  claimUsers,
  ensureGenerations,
  readBuckets,
  readWindowSums,
  snapshotUser,
} from '../src/index.ts';
import { DAY_MS, holds, opened, oracle, RETENTION_MONTHS, tallyOf, testCounters, warm } from './support.ts';

const NOW = Date.UTC(2025, 2, 30, 12);

test('applying events', async (t) => {
  const counters = await testCounters(t);
  const { session, generations, admin } = counters;
  const apply = (userId: string, partition: string, events: CountableEvent[]) =>
    applyEvents(session, generations, partition, [{ userId, events }]).then(([applied]) => applied);
  const read = async (userId: string, nowMs = NOW) =>
    (await readBuckets(session, generations, userId, nowMs, []))!;
  let run = 0;

  await t.test('any interleaving and repetition of batches counts every event once', async (t) => {
    const event = fc.record({
      gap: fc.nat(2),
      startedAt: fc.integer({ min: NOW - 70 * DAY_MS, max: NOW + 2 * DAY_MS }),
      durationMs: fc.oneof(fc.nat(10_000), fc.constant(604_800_000)),
      correction: fc.option(fc.constant({ sign: -1 as const, needs: [] }), { nil: undefined, freq: 4 }),
    });
    const logs = fc.tuple(fc.array(event, { maxLength: 12 }), fc.array(event, { maxLength: 12 }));
    const step = fc.record({
      log: fc.nat(1),
      back: fc.nat(6),
      length: fc.integer({ min: 1, max: 5 }),
      look: fc.boolean(),
    });
    const property = fc.asyncProperty(logs, fc.array(step, { maxLength: 20 }), async (given, steps) => {
      run += 1;
      const userId = `u-any-${run}`;
      await warm(counters, [userId], NOW);
      const partitions = given.map((log) => {
        let offset = -1;
        return log.map(({ gap, startedAt, durationMs, correction }): CountableEvent => {
          offset += 1 + gap;
          return { offset, startedAt, durationMs, ...(correction && { correction }) };
        });
      });
      const position = [0, 0];
      const counted = () => partitions.flatMap((log, p) => log.slice(0, position[p]));
      const all = [...steps, ...[0, 1].map((log) => ({ log, back: 0, length: 99, look: true }))];
      for (const { log, back, length, look } of all) {
        const from = Math.max(0, position[log]! - back);
        const batch = partitions[log]!.slice(from, from + length);
        if (batch.length === 0) continue;
        const fresh = Math.max(0, from + batch.length - position[log]!);
        assert.equal(await apply(userId, `0:${log}`, batch), fresh);
        position[log] = Math.max(position[log]!, from + batch.length);
        if (look) {
          const { available, range, appliedThrough: applied, hasCorrections, ...sums } = await read(userId);
          assert.equal(
            hasCorrections,
            counted().some(({ correction }) => correction),
          );
          assert.deepEqual({ ...sums, lastStartedAt: available.lastStartedAt }, oracle(counted(), NOW));
        }
      }
      const snapshot = await snapshotUser(session, generations, userId, NOW);
      const months = [...snapshot!.buckets].filter(([name]) => /^m:\d+$/.test(name));
      const days = [...snapshot!.buckets].filter(([name]) => /^m:\d+:\d+$/.test(name));
      const weeks = [...snapshot!.buckets].filter(([name]) => name.startsWith('w:'));
      for (const buckets of [months, days, weeks]) {
        assert.equal(
          buckets.reduce((sum, [, { calls }]) => sum + calls, 0),
          tallyOf(counted()).calls,
        );
        assert.equal(
          buckets.reduce((sum, [, { durationMs }]) => sum + durationMs, 0),
          tallyOf(counted()).durationMs,
        );
      }
      for (const [p, log] of partitions.entries())
        assert.equal(snapshot!.appliedThrough.get(`0:${p}`), log.at(-1)?.offset);
    });
    await holds(t, property, 120);
  });

  await t.test(
    'a user who is absent, of another generation or only claimed is unknown and stays unchanged',
    async (t) => {
      const event = { offset: 5, startedAt: NOW, durationMs: 1 };
      t.equal(await apply('u-absent', '0:0', [event]), 'unknown');
      t.equal(await admin.exists('ct2:{u-absent}'), 0);

      await claimUsers(session, generations, ['u-claimed'], NOW);
      const claimed = await admin.hgetall('ct2:{u-claimed}');
      t.equal(await apply('u-claimed', '0:0', [event]), 'unknown');
      t.strictSame(await admin.hgetall('ct2:{u-claimed}'), claimed);

      await warm(counters, ['u-old'], NOW);
      await admin.hset('ct2:{u-old}', 'g', 'another');
      const old = await admin.hgetall('ct2:{u-old}');
      t.equal(await apply('u-old', '0:0', [event]), 'unknown');
      t.strictSame(await admin.hgetall('ct2:{u-old}'), old);
      t.equal(await readWindowSums(session, generations, 'u-old', NOW), undefined);
      t.equal(await readBuckets(session, generations, 'u-old', NOW, []), undefined);
      t.equal(await snapshotUser(session, generations, 'u-old', NOW), undefined);
    },
  );

  await t.test('a correction moves a call from one day to another, as a whole', async (t) => {
    await warm(counters, ['u-moved'], NOW);
    const call = { offset: 1, startedAt: NOW, durationMs: 60_000 };
    await apply('u-moved', '0:0', [call]);
    t.equal((await read('u-moved')).hasCorrections, false);
    const yesterday = NOW - DAY_MS;
    const moved: CountableEvent[] = [
      { ...call, offset: 5, correction: { sign: -1, needs: [] } },
      { offset: 5, startedAt: yesterday, durationMs: 90_000, correction: { sign: 1, needs: [] } },
    ];
    t.equal(await apply('u-moved', '0:0', [call, ...moved]), 2, 'the call was applied before');
    t.equal(await apply('u-moved', '0:0', moved), 0);
    t.match(await read('u-moved'), { today: 0, thisWeek: 1, window: { calls: 1, durationMs: 90_000 } });
    t.match(await readWindowSums(session, generations, 'u-moved', NOW), { today: 0, window: { calls: 1 } });
    t.equal((await read('u-moved')).hasCorrections, true);
    t.equal((await read('u-moved')).available.lastStartedAt, NOW, 'an upper bound');
    const taken: CountableEvent = { ...moved[1]!, offset: 6, correction: { sign: -1, needs: [] } };
    t.equal(await apply('u-moved', '0:0', [taken]), 1);
    t.match(await read('u-moved'), { today: 0, thisWeek: 0, window: { calls: 0, durationMs: 0 } });
  });

  await t.test('a correction waits for the events of other partitions that it builds on', async (t) => {
    const needing = (offset: number, partition: string, through: number): CountableEvent => ({
      offset,
      startedAt: NOW,
      durationMs: 1,
      correction: { sign: 1, needs: [{ partition, through }] },
    });
    await warm(counters, ['u-needs'], NOW);
    const before = await admin.hgetall('ct2:{u-needs}');
    const plain = { offset: 2, startedAt: NOW, durationMs: 1 };
    t.equal(await apply('u-needs', '0:0', [plain, needing(3, '0:1', 7)]), 'unmet');
    t.strictSame(await admin.hgetall('ct2:{u-needs}'), before, 'nothing is added');
    t.equal(await apply('u-needs', '0:1', [{ ...plain, offset: 6 }]), 1);
    t.equal(await apply('u-needs', '0:0', [needing(3, '0:1', 7)]), 'unmet');
    t.equal(await apply('u-needs', '0:1', [{ ...plain, offset: 7 }]), 1);
    t.equal(await apply('u-needs', '0:0', [plain, needing(3, '0:1', 7)]), 2);
    t.equal(await apply('u-needs', '0:0', [needing(3, '0:1', 99)]), 0, 'it was applied before');

    await opened(counters, ['u-base'], NOW, new Map([['0:1', 7]]));
    t.equal(await apply('u-base', '0:0', [needing(3, '0:1', 8)]), 'unmet');
    t.equal(await apply('u-base', '0:0', [needing(3, '0:1', 7)]), 1, 'what `base` covers will be filled in');
  });

  await t.test('many users at once get their outcomes in the order given', async (t) => {
    await warm(counters, ['u-a', 'u-c'], NOW);
    const event = (offset: number) => ({ offset, startedAt: NOW, durationMs: 10 });
    const applied = await applyEvents(session, generations, '0:3', [
      { userId: 'u-a', events: [event(1), event(2)] },
      { userId: 'u-b', events: [event(3)] },
      { userId: 'u-c', events: [event(4)] },
    ]);
    t.strictSame(applied, [2, 'unknown', 1]);
    t.strictSame(await applyEvents(session, generations, '0:3', []), []);
  });

  await t.test('offsets of one topic epoch say nothing about another’s', async (t) => {
    await warm(counters, ['u-stream'], NOW);
    t.equal(await apply('u-stream', '0:0', [{ offset: 100, startedAt: NOW, durationMs: 1 }]), 1);
    t.equal(await apply('u-stream', '1:0', [{ offset: 0, startedAt: NOW, durationMs: 1 }]), 1);
    t.equal((await read('u-stream')).today, 2);
  });

  await t.test(
    'sums near 2^53 ms and offsets beyond 2^31 are exact, in buckets and window sums',
    async (t) => {
      await warm(counters, ['u-big'], NOW);
      const half = 2 ** 52;
      let offset = 2 ** 40 + 1;
      const events = [half - 1, 1, half - 3, 2_147_483_648 - 2_147_483_647].map((durationMs) => {
        offset += 1;
        return { offset, startedAt: NOW, durationMs };
      });
      t.equal(await apply('u-big', '0:0', events.slice(0, 1)), 1);
      t.equal((await read('u-big')).window.durationMs, half - 1);
      t.equal(await apply('u-big', '0:0', events), 3);
      const window = tallyOf(events);
      t.equal(window.durationMs, 2 ** 53 - 2);
      const ready = await readWindowSums(session, generations, 'u-big', NOW);
      t.strictSame(ready?.window, window, 'moved along');
      const month = monthOf(dayOf(NOW));
      const tomorrow = NOW + DAY_MS;
      const fresh = await readBuckets(session, generations, 'u-big', tomorrow, [
        { kind: 'month', month },
        { kind: 'days', month, first: 1, last: 31 },
      ]);
      t.strictSame(fresh!.window, window, 'added up');
      t.strictSame(fresh!.appliedThrough, new Map([['0:0', offset]]));
      t.strictSame(
        (await readWindowSums(session, generations, 'u-big', tomorrow))!.window,
        window,
        'window sums',
      );
      await admin.hdel('ct2:{u-big}', 'r');
      const sums = await readBuckets(session, generations, 'u-big', NOW, [
        { kind: 'days', month, first: 1, last: 31 },
      ]);
      t.equal(sums!.range.durationMs, 2 ** 53 - 2);
    },
  );

  await t.test('an event before the kept months is applied and makes no bucket', async (t) => {
    await warm(counters, ['u-late'], NOW);
    const fromDay = firstDayOfMonth(monthOf(dayOf(NOW)) - RETENTION_MONTHS);
    t.equal((await read('u-late')).available.fromDay, fromDay);
    const before = await admin.keys('ct2:{u-late}*');
    t.equal(await apply('u-late', '0:0', [{ offset: 1, startedAt: fromDay * DAY_MS - 1, durationMs: 5 }]), 1);
    t.strictSame(await admin.keys('ct2:{u-late}*'), before);
    t.equal(await apply('u-late', '0:0', [{ offset: 1, startedAt: fromDay * DAY_MS - 1, durationMs: 5 }]), 0);
  });

  await t.test('a bucket that has expired does not come back with a late event', async (t) => {
    const { session } = counters;
    await admin.del('ct2:ledger:{0}');
    const short = await ensureGenerations(session, { retentionMonths: 2, through: new Map() });
    const longAgo = Date.now() - 800 * DAY_MS;
    // Complete since then, like a hash that was created then and always used.
    await warm({ session, generations: short }, ['u-slow'], Date.now());
    await admin.hset('ct2:{u-slow}', 'f', dayOf(longAgo) - 40);
    const events = [{ offset: 1, startedAt: longAgo, durationMs: 5 }];
    t.strictSame(await applyEvents(session, short, '0:0', [{ userId: 'u-slow', events }]), [1]);
    const keys = (await admin.keys('ct2:{u-slow}*')).filter((key) => key.includes(':m:'));
    t.strictSame(keys, []);
    t.ok((await admin.ttl('ct2:{u-slow}')) > 0);
  });
});

test('expiry', async (t) => {
  const counters = await testCounters(t);
  const { session, generations, admin } = counters;

  await t.test(
    'every key of a user expires, and the hash never before its newest bucket of days',
    async (t) => {
      const event = fc.record({
        startedAt: fc.integer({ min: Date.now() - 800 * DAY_MS, max: Date.now() + DAY_MS }),
        durationMs: fc.nat(1000),
      });
      let run = 0;
      const property = fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 10 }), async (given) => {
        run += 1;
        const userId = `u-expiry-${run}`;
        await warm(counters, [userId], Date.now() - 300 * DAY_MS);
        const events = given.map((event, offset) => ({ ...event, offset }));
        await applyEvents(session, generations, '0:0', [{ userId, events }]);
        await readBuckets(session, generations, userId, Date.now(), []);
        const own = await admin.ttl(`ct2:{${userId}}`);
        assert.ok(own > 0);
        for (const key of await admin.keys(`ct2:{${userId}}:*`)) {
          const ttl = await admin.ttl(key);
          assert.ok(ttl > 0, key);
          assert.ok(own >= ttl, `${key} outlives the hash`);
        }
      });
      await holds(t, property, 60);
    },
  );
});
