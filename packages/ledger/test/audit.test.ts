import { randomInt } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import {
  type FillProgress,
  queuedUsers,
  readBuckets,
  readFillStatuses,
  readWindowSums,
  snapshotUser,
} from '@calltally/counters';
import { dayOf, dayOfMonth, formatDay, isoWeekYear, monthOf, weekOf } from '@calltally/domain';
import { test } from 'tap';
import { monthName, weekName } from '../src/bucket-names.ts';
import {
  auditUsers,
  fillPieces,
  fillUntilComplete,
  type LedgerContext,
  PieceReader,
  recordBatch,
  reopen,
  repairUsers,
} from '../src/index.ts';
import { batchOf, bothFilled, callOf, DAY_MS, RETENTION_MONTHS, testWorld } from './support.ts';

const HALF_HOUR_MS = 1_800_000;

function halfHourName(ms: number): string {
  const start = new Date(Math.floor(ms / HALF_HOUR_MS) * HALF_HOUR_MS);
  return `half-hour ${start.toISOString().replace('.000Z', 'Z')}`;
}

const NOTHING_WRONG = { compared: 1, cold: [], filling: [], differences: [] };

test('auditing', async (t) => {
  const world = await testWorld(t);
  const { store, admin } = world;
  const nowMs = Date.now();
  const today = dayOf(nowMs);
  const month = monthOf(today);
  const week = weekOf(today);
  let partition = 0;

  /** A complete user with calls of today, of 40 days ago and from before the kept months. */
  async function counted(userId: string) {
    const ledger = await world.begin();
    const calls = [0, 1, 40, 40, 31 * (RETENTION_MONTHS + 2)].map((daysAgo, i) =>
      callOf(userId, { startedAt: nowMs - daysAgo * DAY_MS, durationMs: 1_000 + i }),
    );
    const events = calls.map((call, offset) => ({ offset, call }));
    await recordBatch(ledger, batchOf(++partition, events.slice(0, 3)));
    await recordBatch(ledger, batchOf(partition, events.slice(3)));
    await fillUntilComplete(ledger, [userId]);
    return ledger;
  }

  await t.test('right counters, cold users and users without calls give no differences', async (t) => {
    const ledger = await counted('u-right');
    t.strictSame(await auditUsers(ledger, ['u-right']), NOTHING_WRONG);
    await fillUntilComplete(ledger, ['u-none']);
    t.strictSame(await auditUsers(ledger, ['u-right', 'u-none', 'u-cold']), {
      compared: 2,
      cold: ['u-cold'],
      filling: [],
      differences: [],
    });
    t.strictSame(await auditUsers(ledger, []), { compared: 0, cold: [], filling: [], differences: [] });
  });

  await t.test('every kind of drift is found, named and repaired', async (t) => {
    const key = (userId: string, more = '') => `ct2:{${userId}}${more}`;
    const dayField = new Date(nowMs).getUTCDate();
    const drifts: Record<string, { drift: (userId: string) => Promise<unknown>; buckets: string[] }> = {
      'a call too many on a day': {
        drift: (userId) => admin.hincrby(key(userId, `:m:${month}`), `${dayField}c`, 1),
        buckets: [`day ${formatDay(today)}`],
      },
      'minutes too few in a month': {
        drift: (userId) => admin.hincrby(key(userId, `:m:${month}`), 'd', -1),
        buckets: [`month ${monthName(month)}`],
      },
      'a bucket of weeks gone': {
        drift: async (userId) => {
          for (const name of await admin.keys(`${key(userId)}:w:*`))
            await admin.hdel(name, `${week}c`, `${week}d`);
        },
        buckets: [`week ${weekName(week)}`],
      },
      'a month gone': {
        drift: (userId) => admin.del(key(userId, `:m:${monthOf(today - 40)}`)),
        buckets: [`day ${formatDay(today - 40)}`, `month ${monthName(monthOf(today - 40))}`],
      },
      'a day that no row is of': {
        drift: (userId) => admin.hset(key(userId, `:m:${monthOf(today - 200)}`), '3c', 7, '3d', 9),
        buckets: [`day ${monthName(monthOf(today - 200))}-03`],
      },
      'half-hours gone': {
        drift: (userId) => admin.del(key(userId, `:h:${monthOf(today - 40)}`)),
        buckets: [halfHourName(nowMs - 40 * DAY_MS)],
      },
      'calls in another half-hour': {
        drift: async (userId) => {
          const [name] = await admin.keys(key(userId, `:h:${monthOf(today - 40)}`));
          const [[field, chunk]] = Object.entries(await admin.hgetallBuffer(name!)) as [[string, Buffer]];
          await admin.hdel(name!, field);
          await admin.hset(name!, field === '0' ? '1' : '0', chunk);
        },
        buckets: [halfHourName(nowMs - 40 * DAY_MS)],
      },
      'a latest start that is too early': {
        drift: (userId) => admin.hset(key(userId), 'x', nowMs - DAY_MS),
        buckets: ['latest start'],
      },
      'a ready sum that is not that of its day': {
        drift: async (userId) => {
          const ledger = await world.begin();
          await readBuckets(ledger.session, ledger.generations, userId, nowMs, []);
          t.ok(await readWindowSums(ledger.session, ledger.generations, userId, nowMs));
          t.strictSame(await auditUsers(ledger, [userId]), NOTHING_WRONG, 'window sums are still right');
          const text = (await admin.hget(key(userId), 'r'))!.split(' ');
          const changed = text.map((part, i) => ([3, 6].includes(i) ? Number(part) + 1 : part));
          await admin.hset(key(userId), 'r', changed.join(' '));
        },
        buckets: [
          `ready day ${formatDay(today)}`,
          `ready days ${formatDay(today - 30)} to ${formatDay(today)}`,
        ],
      },
      'applied that claims less than is counted': {
        drift: async (userId) => admin.hset(key(userId), `a:0:${partition}`, 3),
        buckets: [`day ${formatDay(today)}`],
      },
      'applied that nothing in Mongo reaches': {
        drift: async (userId) => admin.hset(key(userId), `a:0:${partition}`, 1_000),
        buckets: ['applied 0:'],
      },
      'applied of a partition that is not there': {
        drift: async (userId) => admin.hset(key(userId), 'a:0:9999', 5),
        buckets: ['applied 0:9999'],
      },
    };
    for (const [what, { drift, buckets }] of Object.entries(drifts)) {
      const userId = `u-drift-${partition + 1}`;
      const ledger = await counted(userId);
      // The last event is of today, so that an offset below it leaves out a call of today.
      await recordBatch(
        ledger,
        batchOf(partition, [{ offset: 5, call: callOf(userId, { startedAt: nowMs }) }]),
      );
      t.strictSame(await auditUsers(ledger, [userId]), NOTHING_WRONG, what);
      await drift(userId);
      const { differences } = await auditUsers(ledger, ['u-right', userId]);
      for (const bucket of buckets) {
        const found = differences.find((one) => one.bucket.startsWith(bucket));
        t.match(found, { userId, has: Object, shouldHave: Object }, `${what}: ${bucket}`);
        t.not(JSON.stringify(found?.has), JSON.stringify(found?.shouldHave));
      }
      await repairUsers(ledger, [userId]);
      t.strictSame(await auditUsers(ledger, [userId]), NOTHING_WRONG, what);
      const both = await bothFilled(world, ledger, userId);
      for (const [bucket, tally] of both.counters)
        t.strictSame(both.rows.get(bucket), tally, `${what}: ${bucket}`);
    }
  });

  await t.test('differences tell what the counters have and should have', async (t) => {
    const ledger = await counted('u-figures');
    await admin.hincrby(`ct2:{u-figures}:m:${monthOf(today - 40)}`, 'c', 5);
    const { differences } = await auditUsers(ledger, ['u-figures']);
    t.strictSame(
      differences.map(({ bucket, has, shouldHave }) => [bucket, has.calls! - shouldHave.calls!]),
      [[`month ${monthName(monthOf(today - 40))}`, 5]],
    );
  });

  await t.test('a ledger of an older generation audits nobody', async (t) => {
    const other = await testWorld(t);
    const ledger = await other.begin();
    await other.admin.flushall();
    await t.rejects(auditUsers(ledger, ['u-1']), { code: 'COUNTERS_GENERATION' });
  });

  await t.test(
    'a user who is being filled is compared from since on: drift there is found, drift before is not',
    async (t) => {
      const pieces = new PieceReader(store.tallies, {
        wholeTimeoutMs: 0,
        rowsWanted: 5,
        firstSpanMs: 20 * DAY_MS,
      });
      const key = (userId: string, more = '') => `ct2:{${userId}}${more}`;
      const add = (userId: string, day: number) =>
        admin.hincrby(key(userId, `:m:${monthOf(day)}`), `${dayOfMonth(day)}c`, 1);
      /** Filled from 20 days ago on, or not at all, with events applied beyond base. */
      const half = async (userId: string, isFilled: boolean) => {
        const ledger = await world.begin();
        const calls = Array.from({ length: 30 }, (_, i) =>
          callOf(userId, { startedAt: nowMs - i * 3 * DAY_MS }),
        );
        partition += 1;
        await recordBatch(
          ledger,
          batchOf(
            partition,
            calls.map((call, offset) => ({ offset, call })),
          ),
        );
        await reopen(ledger, [userId]);
        if (isFilled) t.strictSame((await fillPieces(ledger, pieces, [userId])).left, [userId]);
        const late = [1, 10, 60].map((ago, i) => ({
          offset: calls.length + i,
          call: callOf(userId, { startedAt: nowMs - ago * DAY_MS }),
        }));
        await recordBatch(ledger, batchOf(partition, late));
        return ledger;
      };
      const audited = async (ledger: LedgerContext, userId: string) => {
        await admin.del('ct2:filling:{0}');
        const found = await auditUsers(ledger, [userId], { pieces });
        t.match(found, { compared: 1, cold: [], filling: [userId] });
        t.strictSame(await queuedUsers(ledger.session, 9), [userId], 'the filling is seen to');
        return found.differences;
      };

      const ledger = await half('u-half', true);
      const [standing] = await readFillStatuses(ledger.session, ledger.generations, ['u-half']);
      t.equal(dayOf((standing as FillProgress).sinceMs), today - 20);
      t.strictSame(await audited(ledger, 'u-half'), []);
      await add('u-half', today - 20);
      await add('u-half', today - 60);
      await admin.hincrby(key('u-half', `:m:${monthOf(today - 60)}`), 'd', 5);
      await admin.hset(key('u-half', `:m:${monthOf(today - 90)}`), '7c', 3, '7d', 3);
      t.strictSame(await audited(ledger, 'u-half'), [], 'of a day that is not complete');
      await add('u-half', today - 19);
      t.match(await audited(ledger, 'u-half'), [{ bucket: `day ${formatDay(today - 19)}` }]);
      await admin.hincrby(key('u-half', `:w:${isoWeekYear(week)}`), `${week}c`, -1);
      t.strictSame((await audited(ledger, 'u-half')).map(({ bucket }) => bucket).sort(), [
        `day ${formatDay(today - 19)}`,
        `week ${weekName(week)}`,
      ]);
      await admin.hset(key('u-half'), `a:0:${partition}`, 1_000);
      t.match(
        (await audited(ledger, 'u-half')).find(({ bucket }) => bucket.startsWith('applied')),
        { bucket: `applied 0:${partition}`, has: { offset: 1_000 }, shouldHave: { offset: 32 } },
      );
      await repairUsers(ledger, ['u-half']);
      t.strictSame(await auditUsers(ledger, ['u-half']), NOTHING_WRONG);

      const unfilled = await half('u-open', false);
      t.strictSame(await audited(unfilled, 'u-open'), []);
      await add('u-open', today);
      t.strictSame(await audited(unfilled, 'u-open'), [], 'nothing of them is complete');
      await admin.hset(key('u-open'), 'a:0:9999', 5);
      t.match(await audited(unfilled, 'u-open'), [{ bucket: 'applied 0:9999' }]);
      await repairUsers(unfilled, ['u-open']);
      t.strictSame(await auditUsers(unfilled, ['u-open']), NOTHING_WRONG);
    },
  );

  await t.test('window sums of a half-filled user are compared, too', async (t) => {
    const ledger = await world.begin();
    const calls = [0, 5, 30, 50, 90, 200].map((ago) =>
      callOf('u-half-ready', { startedAt: nowMs - ago * DAY_MS }),
    );
    partition += 1;
    await recordBatch(
      ledger,
      batchOf(
        partition,
        calls.map((call, offset) => ({ offset, call })),
      ),
    );
    await reopen(ledger, ['u-half-ready']);
    const pieces = new PieceReader(store.tallies, { wholeTimeoutMs: 0, rowsWanted: 1 });
    await fillPieces(ledger, pieces, ['u-half-ready']);
    t.match(await readBuckets(ledger.session, ledger.generations, 'u-half-ready', nowMs, []), {
      window: { calls: 3 },
    });
    t.match(await auditUsers(ledger, ['u-half-ready'], { pieces }), {
      filling: ['u-half-ready'],
      differences: [],
    });
    const text = (await admin.hget('ct2:{u-half-ready}', 'r'))!.split(' ');
    await admin.hset('ct2:{u-half-ready}', 'r', text.map((part, i) => (i === 6 ? '9' : part)).join(' '));
    t.match((await auditUsers(ledger, ['u-half-ready'], { pieces })).differences, [
      { bucket: `ready days ${formatDay(today - 30)} to ${formatDay(today)}`, has: { calls: 9 } },
    ]);
  });

  await t.test('histories too long for one sum are audited in pieces, and rows are reported', async (t) => {
    const ledger = await counted('u-long');
    const pieces = new PieceReader(store.tallies, {
      wholeTimeoutMs: 0,
      rowsWanted: 1,
      firstSpanMs: DAY_MS,
    });
    const rows: number[] = [];
    t.strictSame(
      await auditUsers(ledger, ['u-long', 'u-right'], { pieces, onRows: (some) => rows.push(some) }),
      { ...NOTHING_WRONG, compared: 2 },
    );
    t.equal(
      rows.reduce((a, b) => a + b),
      10,
    );
    t.ok(rows.length > 4, `${rows.length} pieces`);
    await admin.hincrby(`ct2:{u-long}:m:${month}`, 'c', 1);
    const { differences } = await auditUsers(ledger, ['u-long', 'u-right'], { pieces });
    t.match(differences, [{ userId: 'u-long', bucket: `month ${monthName(month)}` }]);
  });

  await t.test(
    'while events are counted and users opened and filled, there are no false differences',
    async (t) => {
      const users = Array.from({ length: 6 }, (_, i) => `u-busy-${i}`);
      const [first, second, third, auditing] = await Promise.all([
        world.begin(),
        world.begin(),
        world.begin(),
        world.begin(),
      ]);
      const ledger = [first!, second!];
      const offsets = [0, 0];
      let writing = 2;
      const writer = async (which: number) => {
        for (let i = 0; i < 120; i++) {
          const events = Array.from({ length: 1 + (i % 7) }, () => ({
            offset: offsets[which]!++,
            call: callOf(users[randomInt(users.length)]!, {
              startedAt: Date.now() - randomInt(90 * DAY_MS),
            }),
          }));
          await recordBatch(ledger[which]!, batchOf(500 + which, events));
          if (i % 9 === 0) await recordBatch(ledger[which]!, batchOf(500 + which, events));
        }
        writing -= 1;
      };
      const pieces = new PieceReader(store.tallies, {
        wholeTimeoutMs: 0,
        rowsWanted: 20,
        firstSpanMs: 9 * DAY_MS,
      });
      const filler = async () => {
        for (let i = 0; writing > 0; i++) {
          const some = users.slice(i % 6, (i % 6) + 2);
          if (i % 8 === 0) await reopen(third!, some);
          else await fillPieces(third!, i % 3 === 0 ? new PieceReader(store.tallies) : pieces, some);
          await turn();
        }
      };
      const seen = { filling: 0, complete: 0 };
      let audits = 0;
      const auditor = async () => {
        while (writing > 0) {
          const { differences, filling, compared } = await auditUsers(auditing!, users);
          t.strictSame(differences, []);
          audits += 1;
          seen.filling += filling.length;
          seen.complete += compared - filling.length;
        }
      };
      await Promise.all([writer(0), writer(1), filler(), auditor()]);
      t.ok(seen.filling > 0 && seen.complete > 0, `${audits} audits, ${JSON.stringify(seen)}`);
      const snapshot = await snapshotUser(auditing!.session, auditing!.generations, users[0]!, Date.now());
      t.ok(snapshot);
    },
  );
});
