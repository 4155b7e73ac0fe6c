import { strict as assert } from 'node:assert';
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { readBuckets, readFillStatuses } from '@calltally/counters';
import type { Call } from '@calltally/domain';
import { toRow } from '@calltally/store';
import { test } from 'tap';
import {
  auditUsers,
  fillPieces,
  fillUntilComplete,
  type LedgerContext,
  openCold,
  PieceReader,
  recordBatch,
  reopen,
  userDaySumsOf,
} from '../src/index.ts';
import { batchOf, bothOf, callOf, callsIn, DAY_MS, testReader, testWorld, until } from './support.ts';
import {
  leaseBefore,
  ledgerBefore,
  recordBefore,
  recountBefore,
  replaceBefore,
} from './version-before/ledger.ts';

const NOTHING_WRONG = { compared: 1, cold: [], filling: [], differences: [] };

test('a Redis of the version before, and both versions at once', async (t) => {
  const world = await testWorld(t);
  const { store, admin } = world;
  let partition = 0;
  const historyOf = (userId: string) =>
    [0, 1, 20, 40, 100, 300, 600].map((ago, i) =>
      callOf(userId, { startedAt: Date.now() - ago * DAY_MS, durationMs: 1_000 + i }),
    );
  const stored = async (calls: Call[]) => {
    partition += 1;
    await store.calls.insert(calls.map((call, offset) => toRow(call, { stream: 0, partition, offset })));
    await store.progress.advanceStored(0, partition, calls.length - 1);
    return partition;
  };
  const sumsAt = async (userId: string, cut: ReadonlyMap<string, number>) =>
    userDaySumsOf([userId], await store.tallies.sumByDayAndPartition([userId], cut))[0]!;

  await t.test('a complete user of the version before is complete here, unchanged', async (t) => {
    const ledger = await world.begin();
    const own = await stored(historyOf('u-complete'));
    t.equal(await recountBefore(ledger, admin, 'u-complete'), 'installed');
    const held = await admin.hgetall('ct:{u-complete}');
    t.strictSame(await readFillStatuses(ledger.session, ledger.generations, ['u-complete']), ['complete']);
    t.equal((await openCold(ledger, ['u-complete'])).size, 0);
    await fillUntilComplete(ledger, ['u-complete']);
    t.strictSame(await auditUsers(ledger, ['u-complete']), NOTHING_WRONG);
    t.strictSame(await admin.hgetall('ct:{u-complete}'), held);
    const { reader, link } = await testReader(t, world);
    await until(
      () => link.current?.generations.size,
      (size) => size === 1,
    );
    const nowMs = Date.now();
    const window = { from: Math.floor(nowMs / DAY_MS) * DAY_MS - 30 * DAY_MS, until: nowMs + 1 };
    t.match(await reader.read('u-complete', window, nowMs), { source: 'counters', range: { calls: 3 } });
    const call = callOf('u-complete', { startedAt: nowMs });
    t.equal((await recordBatch(ledger, batchOf(own, [{ offset: 7, call }]))).opened, 0);
    t.match(await reader.read('u-complete', window, nowMs), { source: 'counters', range: { calls: 4 } });
    t.strictSame(await auditUsers(ledger, ['u-complete']), NOTHING_WRONG);
  });

  await t.test('a complete user of this version is complete there, by the same fields', async (t) => {
    const ledger = await world.begin();
    const own = await stored([...historyOf('u-back'), ...historyOf('u-there')]);
    await openCold(ledger, ['u-back']);
    const pieces = new PieceReader(store.tallies, { wholeTimeoutMs: 0, rowsWanted: 1 });
    for (let left = ['u-back']; left.length > 0; ) {
      ({ left } = await fillPieces(ledger, pieces, left));
      const both = await bothOf(world, ledgerBefore(ledger, admin), 'u-back');
      t.equal(both === undefined, left.length > 0, 'and only once complete');
    }
    t.equal(await recountBefore(ledger, admin, 'u-there'), 'installed');
    const [here, there] = await Promise.all(['u-back', 'u-there'].map((id) => admin.hgetall(`ct:{${id}}`)));
    t.strictSame(Object.keys(here!).sort(), Object.keys(there!).sort());
    t.strictSame({ ...here, n: '', x: '' }, { ...there, n: '', x: '' });
    for (const key of await admin.keys('ct:{u-there}:*')) {
      const same = await admin.hgetall(key.replace('u-there', 'u-back'));
      t.strictSame(same, await admin.hgetall(key), key);
    }
    const events = [14, 15].map((offset) => ({ offset, call: callOf('u-back') }));
    await recordBefore(ledger, admin, batchOf(own, events));
    const both = (await bothOf(world, ledgerBefore(ledger, admin), 'u-back'))!;
    t.strictSame(both.counters, both.rows);
    t.strictSame(await auditUsers(ledger, ['u-back']), NOTHING_WRONG);
  });

  await t.test(
    'a user with an abandoned lease is claimed, opened and filled; its holder comes too late',
    async (t) => {
      const ledger = await world.begin();
      const own = await stored(historyOf('u-lease'));
      const lease = (await leaseBefore(ledger, admin, 'u-lease', false))!;
      t.strictSame(Object.keys(await admin.hgetall('ct:{u-lease}')).sort(), ['g', 'l']);
      const cut = await store.progress.storedThrough();
      const sums = await sumsAt('u-lease', cut);
      t.strictSame(await readFillStatuses(ledger.session, ledger.generations, ['u-lease']), ['unknown']);
      t.equal((await recordBatch(ledger, batchOf(own, [{ offset: 7, call: callOf('u-lease') }]))).opened, 1);
      t.equal(await admin.hexists('ct:{u-lease}', 'l'), 0);
      t.equal(await replaceBefore(ledger, admin, lease, sums, cut), 'lost');
      await fillUntilComplete(ledger, ['u-lease']);
      t.equal(await replaceBefore(ledger, admin, lease, sums, cut), 'lost');
      const both = (await bothOf(world, ledger, 'u-lease'))!;
      t.strictSame(both.counters, both.rows);
      t.equal(callsIn(both.counters), 8);
    },
  );

  await t.test('buckets of a user whose hash is gone are not added to', async (t) => {
    const ledger = await world.begin();
    await stored(historyOf('u-buckets'));
    await recountBefore(ledger, admin, 'u-buckets');
    await admin.del('ct:{u-buckets}');
    await admin.hset(`ct:{u-buckets}:m:${12 * 56 + 9}`, '3c', 5, '3d', 5, 'c', 5, 'd', 5);
    await openCold(ledger, ['u-buckets']);
    t.strictSame(await admin.keys('ct:{u-buckets}*'), ['ct:{u-buckets}']);
    await fillUntilComplete(ledger, ['u-buckets']);
    t.strictSame(await auditUsers(ledger, ['u-buckets']), NOTHING_WRONG);
  });

  await t.test(
    'a recount by the version before that began after the opening may replace the fill',
    async (t) => {
      const ledger = await world.begin();
      const own = await stored(historyOf('u-over'));
      await openCold(ledger, ['u-over']);
      const pieces = new PieceReader(store.tallies, { wholeTimeoutMs: 0, rowsWanted: 1 });
      await fillPieces(ledger, pieces, ['u-over']);
      let pauses = 0;
      const overtaken = await recountBefore(ledger, admin, 'u-over', true, async () => {
        pauses += 1;
        if (pauses < 3) return;
        await recordBatch(ledger, batchOf(own, [{ offset: 7, call: callOf('u-over') }]));
      });
      t.equal(overtaken, 'behind', 'of what is applied beyond base, too');
      t.match(await readFillStatuses(ledger.session, ledger.generations, ['u-over']), [{ sinceMs: Number }]);
      t.match(await auditUsers(ledger, ['u-over']), { filling: ['u-over'], differences: [] });
      t.equal(await recountBefore(ledger, admin, 'u-over'), 'installed');
      t.strictSame(await readFillStatuses(ledger.session, ledger.generations, ['u-over']), ['complete']);
      t.equal(await admin.hexists('ct:{u-over}', 'b'), 0);
      t.strictSame((await fillPieces(ledger, pieces, ['u-over'])).left, []);
      t.strictSame(await auditUsers(ledger, ['u-over']), NOTHING_WRONG);
    },
  );

  await t.test(
    'both versions record, recount, open and fill the same users at random: each version that knows a user is right',
    async (t) => {
      const users = Array.from({ length: 4 }, (_, i) => `u-mixed-${i}`);
      const offsets = [0, 0];
      const seen = { before: 0, filling: 0, complete: 0 };
      const replies = new Map<string, number>();
      const all: Call[] = [];
      for (let round = 0; round < 5; round++) {
        const parts = await Promise.all(Array.from({ length: 6 }, () => world.begin()));
        let writing = 2;
        const write = async (which: 0 | 1) => {
          for (let i = 0; i < 10; i++) {
            const events = Array.from({ length: randomInt(1, 5) }, () => {
              const isAgain = all.length > 0 && randomInt(6) === 0;
              const startedAt = Date.now() - randomInt(90 * DAY_MS);
              const call = isAgain
                ? all[randomInt(all.length)]!
                : callOf(users[randomInt(users.length)]!, { startedAt });
              all.push(call);
              return { offset: offsets[which]!++, call };
            });
            // Each version counts one partition, and they take turns.
            const batch = batchOf(600 + which, events);
            if ((round + which) % 2 === 0) await recordBatch(parts[which]!, batch);
            else await recordBefore(parts[which]!, admin, batch);
          }
          writing -= 1;
        };
        const recount = async (ledger: LedgerContext) => {
          while (writing > 0) {
            const pause = () => sleep(randomInt(12));
            const reply = await recountBefore(ledger, admin, users[randomInt(4)]!, randomInt(2) === 0, pause);
            replies.set(String(reply), (replies.get(String(reply)) ?? 0) + 1);
          }
        };
        const fill = async (ledger: LedgerContext) => {
          const pieces = new PieceReader(store.tallies, {
            wholeTimeoutMs: 0,
            rowsWanted: 9,
            firstSpanMs: 9 * DAY_MS,
          });
          while (writing > 0) {
            const some = users.filter(() => randomInt(2) === 0);
            if (randomInt(3) === 0) await reopen(ledger, some);
            else await fillPieces(ledger, pieces, some);
          }
        };
        const look = async (ledger: LedgerContext) => {
          while (writing > 0) {
            const userId = users[randomInt(4)]!;
            const before = await bothOf(world, ledgerBefore(ledger, admin), userId);
            assert.deepEqual(before?.counters, before?.rows, 'as the version before reads');
            if (before !== undefined) seen.before += 1;
            const { filling, compared, differences } = await auditUsers(ledger, [userId]);
            assert.deepEqual(differences, []);
            seen.filling += filling.length;
            seen.complete += compared - filling.length;
            await readBuckets(ledger.session, ledger.generations, userId, Date.now(), []);
          }
        };
        const [first, , third, fourth, fifth, sixth] = parts as [
          LedgerContext,
          LedgerContext,
          LedgerContext,
          LedgerContext,
          LedgerContext,
          LedgerContext,
        ];
        await Promise.all([write(0), write(1), recount(third), recount(fourth), fill(fifth), look(sixth)]);
        let total = 0;
        for (const userId of users) {
          if (round % 2 === 0) await fillUntilComplete(first, [userId]);
          else while ((await recountBefore(first, admin, userId)) !== 'installed');
          for (const ledger of [first, ledgerBefore(first, admin)]) {
            const both = (await bothOf(world, ledger, userId))!;
            t.strictSame(both.counters, both.rows, `round ${round}`);
            total += callsIn(both.counters);
          }
        }
        t.equal(total, 2 * new Set(all.map(({ callId }) => callId)).size, `round ${round}`);
        for (const { session } of parts) session.end('done');
      }
      t.comment(seen, [...replies]);
      t.ok(seen.before > 10 && seen.filling > 10 && seen.complete > 10, 'known to either, in all states');
      for (const reply of ['installed', 'lost']) t.ok(replies.get(reply), reply);
    },
  );
});
