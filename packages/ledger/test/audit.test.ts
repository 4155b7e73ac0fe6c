import { setImmediate as turn } from 'node:timers/promises';
import { readReady, snapshotUser } from '@calltally/counters';
import { dayOf, formatDay, monthOf, weekOf } from '@calltally/domain';
import { test } from 'tap';
import { monthName, weekName } from '../src/bucket-names.ts';
import { CountersLink } from '../src/counters-link.ts';
import { auditUsers, DashboardReader, record, recountUsers, repairUsers } from '../src/index.ts';
import { RecountQueue } from '../src/recount-queue.ts';
import { RowsAsOf } from '../src/rows-as-of.ts';
import { batchOf, bothOf, callOf, DAY_MS, RETENTION_MONTHS, testWorld } from './support.ts';

const NOTHING_WRONG = { compared: 1, cold: [], differences: [] };

test('auditing', async (t) => {
  const world = await testWorld(t);
  const { store, admin } = world;
  const nowMs = Date.now();
  const today = dayOf(nowMs);
  const month = monthOf(today);
  const week = weekOf(today);
  let partition = 0;

  /** A user with calls of today, of 40 days ago and of before retention, counted by `record`. */
  async function counted(userId: string) {
    const books = await world.begin();
    const calls = [0, 1, 40, 40, 31 * (RETENTION_MONTHS + 2)].map((daysAgo, i) =>
      callOf(userId, { startedAt: nowMs - daysAgo * DAY_MS, durationMs: 1_000 + i }),
    );
    const events = calls.map((call, offset) => ({ offset, call }));
    await record(books, batchOf(++partition, events.slice(0, 3)));
    await record(books, batchOf(partition, events.slice(3)));
    return books;
  }

  await t.test(
    'users whose counters are right, cold ones and users without calls have no differences',
    async (t) => {
      const books = await counted('u-right');
      t.strictSame(await auditUsers(books, ['u-right']), NOTHING_WRONG);
      await recountUsers(books, ['u-none'], { evenIfWarm: true, respectMs: 0 });
      t.strictSame(await auditUsers(books, ['u-right', 'u-none', 'u-cold']), {
        compared: 2,
        cold: ['u-cold'],
        differences: [],
      });
      t.strictSame(await auditUsers(books, []), { compared: 0, cold: [], differences: [] });
    },
  );

  await t.test('every kind of drift is found, named and repaired', async (t) => {
    const key = (userId: string, more = '') => `ct:{${userId}}${more}`;
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
      'a latest start that is too early': {
        drift: (userId) => admin.hset(key(userId), 'x', nowMs - DAY_MS),
        buckets: ['latest start'],
      },
      'a ready sum that is not that of its day': {
        drift: async (userId) => {
          const books = await world.begin();
          const link = new CountersLink({
            url: world.redis.address,
            commandTimeoutMs: 5_000,
            openTimeoutMs: 5_000,
          });
          const rowsAsOf = new RowsAsOf(store);
          const reader = new DashboardReader({
            store,
            link,
            recounts: new RecountQueue(store, link),
            rowsAsOf,
          });
          await link.start();
          await reader.read(userId, { from: (today - 30) * DAY_MS, until: (today + 1) * DAY_MS }, nowMs);
          await link.stop();
          t.ok(await readReady(books.session, books.generations, userId, nowMs));
          t.strictSame(
            await auditUsers(books, [userId]),
            NOTHING_WRONG,
            'ready sums are right as they were left',
          );
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
      const books = await counted(userId);
      // The last event is of today, so that an applied below it leaves out what the day holds.
      await record(books, batchOf(partition, [{ offset: 5, call: callOf(userId, { startedAt: nowMs }) }]));
      t.strictSame(await auditUsers(books, [userId]), NOTHING_WRONG, what);
      await drift(userId);
      const { differences } = await auditUsers(books, ['u-right', userId]);
      for (const bucket of buckets) {
        const found = differences.find((one) => one.bucket.startsWith(bucket));
        t.match(found, { userId, has: Object, shouldHave: Object }, `${what}: ${bucket}`);
        t.not(JSON.stringify(found?.has), JSON.stringify(found?.shouldHave));
      }
      t.strictSame(await repairUsers(books, [userId]), [], what);
      t.strictSame(await auditUsers(books, [userId]), NOTHING_WRONG, what);
      const both = (await bothOf(world, books, userId))!;
      for (const [bucket, tally] of both.counters)
        t.strictSame(both.rows.get(bucket), tally, `${what}: ${bucket}`);
    }
  });

  await t.test('differences say what the counters have and should have', async (t) => {
    const books = await counted('u-figures');
    await admin.hincrby(`ct:{u-figures}:m:${monthOf(today - 40)}`, 'c', 5);
    const { differences } = await auditUsers(books, ['u-figures']);
    t.strictSame(
      differences.map(({ bucket, has, shouldHave }) => [bucket, has.calls! - shouldHave.calls!]),
      [[`month ${monthName(monthOf(today - 40))}`, 5]],
    );
  });

  await t.test('books of an older generation judge nobody', async (t) => {
    const other = await testWorld(t);
    const books = await other.begin();
    await other.admin.flushall();
    await t.rejects(auditUsers(books, ['u-1']), { code: 'COUNTERS_GENERATION' });
  });

  await t.test(
    'while events are counted and users recounted, no difference is ever seen that is not there',
    async (t) => {
      const users = Array.from({ length: 6 }, (_, i) => `u-busy-${i}`);
      const [first, second, third, auditing] = await Promise.all([
        world.begin(),
        world.begin(),
        world.begin(),
        world.begin(),
      ]);
      const books = [first!, second!];
      const offsets = [0, 0];
      let writing = 2;
      const writer = async (which: number) => {
        for (let i = 0; i < 120; i++) {
          const events = Array.from({ length: 1 + (i % 7) }, () => ({
            offset: offsets[which]!++,
            call: callOf(users[Math.floor(Math.random() * users.length)]!, {
              startedAt: Date.now() - Math.floor(Math.random() * 90 * DAY_MS),
            }),
          }));
          await record(books[which]!, batchOf(500 + which, events));
          if (i % 9 === 0) await record(books[which]!, batchOf(500 + which, events));
        }
        writing -= 1;
      };
      const recounter = async () => {
        for (let i = 0; i < 2_000 && writing > 0; i++) {
          await recountUsers(third!, users.slice(i % 6, (i % 6) + 2), { evenIfWarm: true, respectMs: 0 });
          await turn();
        }
      };
      let audits = 0;
      const auditor = async () => {
        for (let i = 0; i < 5_000 && writing > 0; i++) {
          const { differences } = await auditUsers(auditing!, users);
          t.strictSame(differences, []);
          audits += 1;
        }
      };
      await Promise.all([writer(0), writer(1), recounter(), auditor()]);
      t.ok(audits > 20, `${audits} audits`);
      const snapshot = await snapshotUser(auditing!.session, auditing!.generations, users[0]!, Date.now());
      t.ok(snapshot);
    },
  );
});
