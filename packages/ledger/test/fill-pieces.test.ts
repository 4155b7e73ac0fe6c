import { strict as assert } from 'node:assert';
import { randomInt } from 'node:crypto';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { claimUsers, NOTHING_FILLED, queuedUsers, readFillStatuses } from '@calltally/counters';
import { type Call, dayOf, firstHalfHourOfDay } from '@calltally/domain';
import { StoreError, toRow } from '@calltally/store';
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
  repairUsers,
  userDaySumsOf,
} from '../src/index.ts';
import { FROM_TOPIC } from '../src/open-cold.ts';
import { batchOf, bothFilled, bothOf, callOf, callsIn, DAY_MS, testWorld, watched } from './support.ts';

test('filling users', async (t) => {
  const world = await testWorld(t);
  const { store, admin } = world;
  const smallPieces = (rowsWanted = 20, firstSpanMs = 5 * DAY_MS) =>
    new PieceReader(store.tallies, { wholeTimeoutMs: 0, rowsWanted, firstSpanMs });
  const standing = (ledger: LedgerContext, userId: string) =>
    readFillStatuses(ledger.session, ledger.generations, [userId]).then(([one]) => one!);
  let partition = 10;
  /** Rows of a partition of their own, as left by a consumer that was killed before it applied them. */
  const stored = async (calls: Call[], through = calls.length - 1) => {
    partition += 1;
    await store.calls.insert(calls.map((call, offset) => toRow(call, { stream: 0, partition, offset })));
    await store.progress.advanceStored(0, partition, through);
    return partition;
  };

  await t.test('counters become equal to the stored rows, for any number of users', async (t) => {
    const ledger = await world.begin();
    const users = Array.from({ length: 450 }, (_, i) => `u-many-${i}`);
    const calls = users.flatMap((userId, i) =>
      Array.from({ length: i % 4 }, (_, j) => callOf(userId, { startedAt: Date.now() - i * j * 3_600_000 })),
    );
    await store.calls.insert(
      calls.map((call, offset) => toRow(call, { stream: 0, partition: offset % 2, offset })),
    );
    await store.progress.advanceStored(0, 0, calls.length);
    await store.progress.advanceStored(0, 1, calls.length - 100);
    await fillUntilComplete(ledger, users);
    let counted = 0;
    for (const userId of users) {
      const both = (await bothOf(world, ledger, userId))!;
      t.strictSame(both.counters, both.rows);
      for (const offset of both.applied.values()) t.ok(offset >= calls.length - 100);
      counted += callsIn(both.counters);
    }
    const beyond = calls.filter((_, offset) => offset % 2 === 1 && offset > calls.length - 100).length;
    t.equal(counted, calls.length - beyond, 'rows beyond stored wait for their apply');
    t.strictSame(await queuedUsers(ledger.session, 9), [], 'nobody waits');
  });

  await t.test('users without rows become complete with no calls', async (t) => {
    const ledger = await world.begin();
    t.match(await fillPieces(ledger, new PieceReader(store.tallies), ['u-nobody']), {
      pieces: 1,
      rows: 0,
      left: [],
    });
    t.strictSame(await bothOf(world, ledger, 'u-nobody'), {
      applied: new Map(),
      counters: new Map(),
      rows: new Map(),
    });
    t.equal(await standing(ledger, 'u-nobody'), 'complete');
    t.equal((await openCold(ledger, ['u-nobody'])).size, 0);
    t.match(await fillPieces(ledger, new PieceReader(store.tallies), []), { pieces: 0, rows: 0, left: [] });
    await fillUntilComplete(ledger, []);
    await repairUsers(ledger, []);
  });

  await t.test(
    'tallies by partition become one sum for each day, and each day and cell, the partitions and the latest start',
    (t) => {
      const base = {
        userId: 'u',
        stream: 0,
        calls: 1,
        durationMs: 5,
        lastStartedAt: 7,
        lastOffset: 3,
        isCorrection: false,
      };
      const today = dayOf(Date.now());
      const cell = { agentId: 'ada' };
      const users = userDaySumsOf(
        ['u', 'none'],
        [
          { ...base, day: 1, partition: 0, cell },
          { ...base, day: 1, partition: 1, lastStartedAt: 9, cell: {} },
          { ...base, day: 2, partition: 1, stream: 1, cell },
          { ...base, day: today, partition: 0, cell },
          { ...base, day: today, partition: 1, cell },
          { ...base, day: today, partition: 0, halfHour: firstHalfHourOfDay(today) + 3 },
          { ...base, day: today, partition: 1, halfHour: firstHalfHourOfDay(today) + 3 },
        ],
      );
      t.strictSame(
        {
          ...users[0],
          detail: { cells: [...users[0]!.detail!.cells], halfHours: [...users[0]!.detail!.halfHours] },
        },
        {
          userId: 'u',
          days: new Map([
            [1, { calls: 2, durationMs: 10 }],
            [2, { calls: 1, durationMs: 5 }],
            [today, { calls: 2, durationMs: 10 }],
          ]),
          detail: {
            // Of old months, which counters do not keep by day, all on the first.
            cells: [
              { day: 0, cell, calls: 2, durationMs: 10 },
              { day: 0, cell: {}, calls: 1, durationMs: 5 },
              { day: today, cell, calls: 2, durationMs: 10 },
            ],
            halfHours: [[firstHalfHourOfDay(today) + 3, { calls: 2, durationMs: 10 }]],
          },
          partitions: new Set(['0:0', '0:1', '1:1']),
          lastStartedAt: 9,
          hasCorrections: false,
        },
      );
      t.match(users[1], { userId: 'none', days: new Map(), partitions: new Set(), lastStartedAt: -1 });
      t.strictSame([...users[1]!.detail!.cells], []);
      const byCell = { ...base, day: today, partition: 0, cell };
      const byDay = { ...base, day: today, partition: 1 };
      for (const tallies of [[byDay], [byCell, byDay], [byDay, byCell]]) {
        t.equal(
          userDaySumsOf(['u'], tallies)[0]!.detail,
          undefined,
          'with a tally of no cell there is no detail',
        );
      }
      t.end();
    },
  );

  await t.test('a ledger of an older generation opens and fills nobody', async (t) => {
    const ledger = await world.begin();
    await fillUntilComplete(ledger, ['u-gen']);
    await admin.flushall();
    await t.rejects(openCold(ledger, ['u-gen']), { code: 'COUNTERS_GENERATION' });
    await t.rejects(fillUntilComplete(ledger, ['u-gen']), { code: 'COUNTERS_GENERATION' });
    await t.rejects(reopen(ledger, ['u-gen']), { code: 'COUNTERS_GENERATION' });
    t.equal(await admin.dbsize(), 0);
    const again = await world.begin();
    await openCold(again, ['u-gen']);
    const before = await admin.hgetall('ct2:{u-gen}');
    await t.rejects(fillPieces(ledger, new PieceReader(store.tallies), ['u-gen']), {
      code: 'COUNTERS_GENERATION',
    });
    t.strictSame(await admin.hgetall('ct2:{u-gen}'), before);
    await fillUntilComplete(again, ['u-gen']);
    t.equal(await standing(again, 'u-gen'), 'complete');
  });

  await t.test('it is told when nothing more will be read, before that is written', async (t) => {
    for (const [wholeTimeoutMs, sums] of [
      [1_000, 1],
      [0, 3],
    ] as const) {
      const ledger = await world.begin();
      const users = ['a', 'b', 'c'].map((name) => `u-read-${wholeTimeoutMs}-${name}`);
      await stored(users.map((userId) => callOf(userId, { startedAt: Date.now() })));
      const steps: string[] = [];
      const tallies = watched(store.tallies, () => void steps.push('sum'));
      await fillPieces(ledger, new PieceReader(tallies, { wholeTimeoutMs }), users, async () => {
        steps.push('all read');
        t.not(await standing(ledger, users.at(-1)!), 'complete');
      });
      t.strictSame(steps, [...Array(sums).fill('sum'), 'all read']);
      for (const userId of users) t.equal(await standing(ledger, userId), 'complete');
    }
  });

  await t.test(
    'users that cannot be added up at once are filled one by one, each with the default window first',
    async (t) => {
      const ledger = await world.begin();
      const users = Array.from({ length: 8 }, (_, i) => `u-group-${i}`);
      const nowMs = Date.now();
      await stored(
        users.flatMap((userId) =>
          [1, 50, 100, 300].map((ago) => callOf(userId, { startedAt: nowMs - ago * DAY_MS })),
        ),
      );
      await openCold(ledger, users);
      const asked: (readonly string[])[] = [];
      const pieces = new PieceReader(
        watched(store.tallies, (userIds) => void asked.push(userIds)),
        {
          wholeTimeoutMs: 0,
        },
      );
      const first = await fillPieces(ledger, pieces, users);
      t.strictSame(
        asked,
        users.map((userId) => [userId]),
      );
      t.match(first, { pieces: 8, rows: 8, left: users });
      for (const userId of users) {
        const { sinceMs } = (await standing(ledger, userId)) as { sinceMs: number };
        t.ok(sinceMs > nowMs - 31 * DAY_MS && sinceMs <= nowMs, 'the default window');
      }
      t.strictSame((await auditUsers(ledger, users)).differences, []);
      for (let left = users; left.length > 0; ) ({ left } = await fillPieces(ledger, pieces, left));
      for (const userId of users) {
        const both = (await bothOf(world, ledger, userId))!;
        t.strictSame(both.counters, both.rows);
        t.equal(callsIn(both.counters), 4);
      }
    },
  );

  await t.test('a user who is too large does not cost the others of the group their turn', async (t) => {
    const ledger = await world.begin();
    const users = Array.from({ length: 5 }, (_, i) => `u-beside-${i}`);
    await stored(users.map((userId) => callOf(userId)));
    await openCold(ledger, users);
    const alone: number[] = [];
    const tallies = watched(store.tallies, async (userIds, { from }) => {
      if (userIds.length === 1) return alone.push(from);
      // Longer than a round should take.
      await sleep(5_100);
      throw new StoreError('STORE_TIMEOUT', true, 'late');
    });
    t.match(await fillPieces(ledger, new PieceReader(tallies), users), { pieces: 5, left: [] });
    t.ok(alone.length === 5 && Math.min(...alone) > -Infinity, 'none of them is tried as a whole once more');
  });

  await t.test(
    'events that are counted while a piece is added up do not change it, old or new ones',
    async (t) => {
      const ledger = await world.begin();
      const calls = Array.from({ length: 30 }, (_, i) =>
        callOf('u-meanwhile', { startedAt: Date.now() - i * 4 * DAY_MS }),
      );
      const own = await stored(calls);
      let offset = calls.length;
      const count = async () => {
        const events = [0, 15, 200].map((ago) => ({
          offset: offset++,
          call: callOf('u-meanwhile', { startedAt: Date.now() - ago * DAY_MS }),
        }));
        await recordBatch(ledger, batchOf(own, events));
      };
      const tallies = watched(store.tallies, count, count);
      const pieces = new PieceReader(tallies, { wholeTimeoutMs: 0, rowsWanted: 9, firstSpanMs: 10 * DAY_MS });
      let rounds = 0;
      for (let left = ['u-meanwhile']; left.length > 0; rounds++) {
        ({ left } = await fillPieces(ledger, pieces, left));
        t.strictSame((await auditUsers(ledger, ['u-meanwhile'])).differences, [], `after ${rounds} pieces`);
      }
      t.ok(rounds > 3, `${rounds} pieces`);
      const both = (await bothOf(world, ledger, 'u-meanwhile'))!;
      t.strictSame(both.counters, both.rows);
      t.equal(callsIn(both.counters), offset);
    },
  );

  await t.test('if two fill the same piece, one adds it and both go on', async (t) => {
    const ledger = await world.begin();
    const other = await world.begin();
    await stored(
      Array.from({ length: 60 }, (_, i) => callOf('u-two', { startedAt: Date.now() - i * 3 * DAY_MS })),
    );
    await openCold(ledger, ['u-two']);
    const [some, others] = [smallPieces(7), smallPieces(11)];
    let rows = 0;
    let rounds = 0;
    for (let left = true; left; rounds++) {
      const done = await Promise.all([
        fillPieces(ledger, some, ['u-two']),
        fillPieces(other, others, ['u-two']),
      ]);
      for (const one of done) rows += one.rows;
      left = done.some((one) => one.left.length > 0);
    }
    t.ok(rounds > 2, `${rounds} rounds`);
    t.ok(rows > 60, `${rows} rows were added up`);
    const both = (await bothOf(world, ledger, 'u-two'))!;
    t.strictSame(both.counters, both.rows);
    t.equal(callsIn(both.counters), 60);
  });

  await t.test('a piece that was summed before the user was reopened adds nothing', async (t) => {
    const ledger = await world.begin();
    const own = await stored([callOf('u-stale')]);
    await openCold(ledger, ['u-stale']);
    const tallies = watched(store.tallies, undefined, async () => {
      await store.calls.insert([toRow(callOf('u-stale'), { stream: 0, partition: own, offset: 1 })]);
      await store.progress.advanceStored(0, own, 1);
      await reopen(ledger, ['u-stale']);
    });
    const done = await fillPieces(ledger, new PieceReader(tallies), ['u-stale']);
    t.match(done, { pieces: 1, rows: 1, left: ['u-stale'] });
    t.match(await standing(ledger, 'u-stale'), { sinceMs: NOTHING_FILLED });
    const both = await bothFilled(world, ledger, 'u-stale');
    t.strictSame(both.counters, both.rows);
    t.equal(callsIn(both.counters), 2);
  });

  await t.test('a user claimed by a killed process is opened and filled by the next one', async (t) => {
    const ledger = await world.begin();
    await stored([callOf('u-claimed')]);
    await claimUsers(ledger.session, ledger.generations, ['u-claimed'], Date.now());
    t.match(await fillPieces(ledger, new PieceReader(store.tallies), ['u-claimed']), {
      pieces: 1,
      rows: 1,
      left: [],
    });
    t.equal(callsIn((await bothOf(world, ledger, 'u-claimed'))!.counters), 1);
  });

  await t.test('a user who is being filled from the topic is left alone for a minute', async (t) => {
    const ledger = await world.begin();
    await stored([callOf('u-topic')]);
    const opened = await openCold(ledger, ['u-topic'], { fillIdPrefix: FROM_TOPIC });
    t.ok(opened.get('u-topic')!.fillId.startsWith(FROM_TOPIC));
    const pieces = new PieceReader(store.tallies);
    t.match(await fillPieces(ledger, pieces, ['u-topic']), { pieces: 0, rows: 0, left: ['u-topic'] });
    await admin.hset('ct2:{u-topic}', 'n', Date.now() - 60_001);
    t.match(await fillPieces(ledger, pieces, ['u-topic']), { pieces: 1, rows: 1, left: [] });
  });

  await t.test('if Mongo fails, nothing is filled and nothing changes', async (t) => {
    const ledger = await world.begin();
    await stored([callOf('u-fails')]);
    await openCold(ledger, ['u-fails']);
    const before = await admin.hgetall('ct2:{u-fails}');
    const failing = watched(store.tallies, () => Promise.reject(new Error('away')));
    await t.rejects(fillPieces(ledger, new PieceReader(failing), ['u-fails']), { message: 'away' });
    t.strictSame(await admin.hgetall('ct2:{u-fails}'), before);
    t.strictSame((await fillPieces(ledger, new PieceReader(store.tallies), ['u-fails'])).left, []);
  });

  await t.test(
    'calls before the kept months, at the borders of pieces and ahead of the clock: each is counted once',
    async (t) => {
      const ledger = await world.begin();
      const nowMs = Date.now();
      const starts = [nowMs + 4 * 60_000, 0, 946_684_800_000, nowMs - 2_000 * DAY_MS];
      for (let ago = 0; ago < 900; ago += 9) starts.push((dayOf(nowMs) - ago) * DAY_MS);
      await stored(starts.map((startedAt) => callOf('u-borders', { startedAt })));
      const pieces = smallPieces(12, DAY_MS);
      let rows = 0;
      for (let left = ['u-borders']; left.length > 0; ) {
        const done = await fillPieces(ledger, pieces, left);
        rows += done.rows;
        ({ left } = done);
      }
      t.equal(rows, starts.length);
      t.strictSame(await auditUsers(ledger, ['u-borders']), {
        compared: 1,
        cold: [],
        filling: [],
        differences: [],
      });
    },
  );

  await t.test(
    'random events, pieces, openings and repairs of the same users: right at every moment, and equal to the rows in the end',
    async (t) => {
      const rounds = 10;
      const users = Array.from({ length: 4 }, (_, i) => `u-race-${i}`);
      const offsets = [0, 0];
      const shared: Call[] = [];
      const seen = { filling: 0, complete: 0, cold: 0 };
      for (let round = 0; round < rounds; round++) {
        const parts = await Promise.all(Array.from({ length: 6 }, () => world.begin()));
        let writing = 2;
        const writer = async (which: number) => {
          for (let i = 0; i < 6; i++) {
            const events = Array.from({ length: randomInt(1, 6) }, () => {
              const fresh = callOf(users[randomInt(users.length)]!, {
                startedAt: Date.now() - randomInt(60 * DAY_MS),
              });
              const call =
                shared.length > 0 && randomInt(5) === 0 ? shared[randomInt(shared.length)]! : fresh;
              shared.push(call);
              return { offset: offsets[which]!++, call };
            });
            await recordBatch(parts[which]!, batchOf(100 + which, events));
            if (randomInt(3) === 0) await recordBatch(parts[which]!, batchOf(100 + which, events));
          }
          writing -= 1;
        };
        const disturber = async (ledger: LedgerContext) => {
          while (writing > 0) {
            const some = users.filter(() => randomInt(2) === 0);
            const what = randomInt(10);
            if (what === 0) await reopen(ledger, some);
            else if (what === 1) await repairUsers(ledger, some, { pieces: smallPieces(randomInt(1, 40)) });
            else await fillPieces(ledger, smallPieces(randomInt(1, 40), randomInt(1, 20) * DAY_MS), some);
            await turn();
          }
        };
        const auditor = async (ledger: LedgerContext) => {
          while (writing > 0) {
            const { filling, compared, cold, differences } = await auditUsers(ledger, users, {
              pieces: smallPieces(),
            });
            assert.deepEqual(differences, []);
            seen.filling += filling.length;
            seen.complete += compared - filling.length;
            seen.cold += cold.length;
          }
        };
        const [first, second, third, fourth, fifth] = parts as [
          LedgerContext,
          LedgerContext,
          LedgerContext,
          LedgerContext,
          LedgerContext,
        ];
        await Promise.all([writer(0), writer(1), disturber(third), disturber(fourth), auditor(fifth)]);
        let total = 0;
        for (const userId of users) {
          const both = await bothFilled(world, round % 2 === 0 ? first : second, userId);
          t.strictSame(both.counters, both.rows, `round ${round}`);
          total += callsIn(both.counters);
        }
        t.equal(total, new Set(shared.map(({ callId }) => callId)).size, `round ${round}`);
        for (const { session } of parts) session.end('done');
      }
      t.comment(seen);
      t.ok(seen.filling > 0 && seen.complete > 0, 'half-filled and complete ones were looked at');
    },
  );
});
