import { setTimeout as sleep } from 'node:timers/promises';
import { acquireFillSlot, type FillStatus, readFillStatuses, reserveUsers } from '@calltally/counters';
import type { Call } from '@calltally/domain';
import { StoreError, toRow } from '@calltally/store';
import { test } from 'tap';
import {
  auditUsers,
  Filler,
  fillPieces,
  type LedgerContext,
  openCold,
  PieceReader,
  recordBatch,
} from '../src/index.ts';
import {
  batchOf,
  bothOf,
  bound,
  callOf,
  callsIn,
  DAY_MS,
  interposed,
  testWorld,
  until,
  watched,
} from './support.ts';

test('the filler', async (t) => {
  const world = await testWorld(t);
  const { store, admin } = world;
  let partition = 0;
  const stored = async (calls: Call[]) => {
    partition += 1;
    await store.calls.insert(calls.map((call, offset) => toRow(call, { stream: 0, partition, offset })));
    await store.progress.advanceStored(0, partition, calls.length);
  };
  const spread = (userId: string, calls: number, days: number) =>
    Array.from({ length: calls }, (_, i) =>
      callOf(userId, { startedAt: Date.now() - Math.floor((i * days * DAY_MS) / calls) }),
    );
  const started = (
    t: { teardown(step: () => unknown): void },
    parts: ConstructorParameters<typeof Filler>[0],
  ) => {
    const filler = new Filler(parts);
    t.teardown(() => filler.stop());
    filler.start();
    return filler;
  };
  const completeOnce = (ledger: LedgerContext, userIds: readonly string[]) =>
    until(
      () => readFillStatuses(ledger.session, ledger.generations, userIds),
      (all: FillStatus[]) => all.every((one) => one === 'complete'),
    );
  const isRight = async (
    t: { strictSame(a: unknown, b: unknown): unknown },
    ledger: LedgerContext,
    userId: string,
  ) => {
    const both = (await bothOf(world, ledger, userId))!;
    t.strictSame(both.counters, both.rows);
    return callsIn(both.counters);
  };

  await t.test('goes on with users that another process opened or filled in part', async (t) => {
    const other = await world.begin();
    await stored([...spread('u-opened', 9, 200), ...spread('u-part', 9, 200)]);
    await recordBatch(other, batchOf(90, [{ offset: 0, call: callOf('u-recorded') }]));
    await openCold(other, ['u-opened', 'u-part']);
    const pieces = new PieceReader(store.tallies, {
      wholeTimeoutMs: 0,
      rowsWanted: 1,
      firstSpanMs: 9 * DAY_MS,
    });
    t.strictSame((await fillPieces(other, pieces, ['u-part'])).left, ['u-part']);
    other.session.end('killed');
    const ledger = await world.begin();
    const filler = started(t, { ledger: () => ledger });
    const users = ['u-opened', 'u-part', 'u-recorded'];
    t.strictSame(await completeOnce(ledger, users), ['complete', 'complete', 'complete']);
    for (const userId of users) t.equal(await isRight(t, ledger, userId), userId === 'u-recorded' ? 1 : 9);
    await until(
      () => filler.queue?.users,
      (waiting) => waiting === 0,
    );
    t.match(filler, { pieces: 3, queue: { users: 0, oldestMs: undefined } });
    t.ok(filler.rows > 9 && filler.rows < 19, 'no row twice');
    t.equal(await admin.zcard('ct2:filling:{0}'), 0);
  });

  await t.test('opens and fills users that a reader found cold, and is idle then', async (t) => {
    const ledger = await world.begin();
    await stored(spread('u-cold', 5, 300));
    const filler = started(t, { ledger: () => ledger });
    await filler.idle();
    filler.add('u-cold');
    filler.add('u-none');
    await filler.idle();
    t.strictSame(await readFillStatuses(ledger.session, ledger.generations, ['u-cold', 'u-none']), [
      'complete',
      'complete',
    ]);
    t.equal(await isRight(t, ledger, 'u-cold'), 5);
    const before = await admin.hgetall('ct2:{u-cold}');
    filler.add('u-cold');
    await filler.idle();
    t.strictSame(await admin.hgetall('ct2:{u-cold}'), before, 'who is complete is left alone');
  });

  await t.test('reports a session that ends, and goes on with the next one', async (t) => {
    let ledger: LedgerContext | undefined = await world.begin();
    await stored([...spread('u-session', 3, 10), ...spread('u-later', 3, 10)]);
    await openCold(ledger, ['u-session']);
    const failures: unknown[] = [];
    ledger.session.end('cut');
    const filler = started(t, { ledger: () => ledger, onFailure: (thrown) => failures.push(thrown) });
    await until(
      () => failures.length,
      (many) => many > 0,
    );
    t.match(failures[0], { code: 'COUNTERS_LOST' });
    ledger = undefined;
    filler.add('u-nobody');
    await filler.idle();
    await until(
      () => filler.queue,
      (queue) => queue === undefined,
    );
    t.equal(filler.queue, undefined, 'nobody can be filled at present');
    ledger = await world.begin();
    t.strictSame(await completeOnce(ledger, ['u-session']), ['complete']);
    filler.add('u-later');
    await filler.idle();
    t.strictSame(await readFillStatuses(ledger.session, ledger.generations, ['u-later', 'u-nobody']), [
      'complete',
      'unknown',
    ]);
  });

  await t.test('reports that Mongo fails, and the users of the round go on waiting', async (t) => {
    const ledger = await world.begin();
    await stored(spread('u-failing', 4, 10));
    let fails = true;
    const tallies = watched(store.tallies, () => {
      if (fails) throw new StoreError('STORE_UNAVAILABLE', true, 'away');
    });
    const failures: unknown[] = [];
    const parts = { ...ledger, store: { ...store, tallies } };
    const filler = started(t, { ledger: () => parts, onFailure: (thrown) => failures.push(thrown) });
    filler.add('u-failing');
    await until(
      () => failures.length,
      (many) => many > 0,
    );
    t.match(failures[0], { code: 'STORE_UNAVAILABLE' });
    await filler.idle();
    t.equal(await admin.exists('ct2:fill-slot:{0}:0', 'ct2:fill-slot:{0}:1'), 0, 'the slot is given back');
    t.ok(Number(await admin.zscore('ct2:filling:{0}', 'u-failing')) < 0, 'nobody counts as taken');
    fails = false;
    t.strictSame(await completeOnce(ledger, ['u-failing']), ['complete']);
    t.equal(await isRight(t, ledger, 'u-failing'), 4);
  });

  await t.test(
    'leaves users to whoever reserved them, and takes over when that process is gone',
    async (t) => {
      const ledger = await world.begin();
      await openCold(ledger, ['u-taken']);
      t.strictSame(await reserveUsers(ledger.session, { empty: 9, part: 9 }, Date.now()), ['u-taken']);
      const filler = started(t, { ledger: () => ledger });
      filler.add('u-beside');
      await filler.idle();
      t.match(await readFillStatuses(ledger.session, ledger.generations, ['u-taken', 'u-beside']), [
        { fillId: String },
        'complete',
      ]);
      await admin.zadd('ct2:filling:{0}', String(1e14 + Date.now()), 'u-taken');
      t.strictSame(await completeOnce(ledger, ['u-taken']), ['complete']);
    },
  );

  await t.test('without a slot nobody is reserved', async (t) => {
    const ledger = await world.begin();
    t.equal(await acquireFillSlot(ledger.session, 1, 'other'), 0);
    const filler = started(t, { ledger: () => ledger, slots: 1 });
    filler.add('u-slot');
    await filler.idle();
    t.match(
      await readFillStatuses(ledger.session, ledger.generations, ['u-slot']),
      [{ fillId: String }],
      'opened',
    );
    t.equal(Number(await admin.zscore('ct2:filling:{0}', 'u-slot')) < 0, true, 'and waits');
    await admin.del('ct2:fill-slot:{0}:0');
    t.strictSame(await completeOnce(ledger, ['u-slot']), ['complete']);
  });

  await t.test('all fillers together ask Mongo for no more sums at once than there are slots', async (t) => {
    const sessions = await Promise.all([world.begin(), world.begin(), world.begin()]);
    const users = Array.from({ length: 40 }, (_, i) => `u-slots-${i}`);
    await stored(users.flatMap((userId) => spread(userId, 3, 100)));
    let asking = 0;
    let most = 0;
    const tallies = watched(
      store.tallies,
      async () => {
        asking += 1;
        most = Math.max(most, asking);
        await sleep(5);
      },
      () => {
        asking -= 1;
      },
    );
    const fillers = sessions.map((ledger) =>
      started(t, { ledger: () => ({ ...ledger, store: { ...store, tallies } }), slots: 2 }),
    );
    for (const [i, userId] of users.entries()) {
      fillers[i % 3]!.add(userId);
      if (i % 4 === 3) await sleep(20);
    }
    await completeOnce(sessions[0]!, users);
    t.match(await auditUsers(sessions[0]!, users), { compared: 40, filling: [], differences: [] });
    t.ok(most >= 1 && most <= 2, `${most} at once`);
  });

  await t.test('a user whose history takes many pieces does not keep others waiting', async (t) => {
    const ledger = await world.begin();
    const small = Array.from({ length: 200 }, (_, i) => `u-small-${i}`);
    await stored(
      ['u-whale', ...small].flatMap((userId) => spread(userId, userId === 'u-whale' ? 700 : 4, 700)),
    );
    const nowMs = Date.now();
    let wholes = 0;
    // More than 20 days of the whale, or anybody's whole history beside it, is too much at once.
    const tallies = watched(store.tallies, (userIds, { from, until }) => {
      if (!userIds.includes('u-whale') || Math.min(until, nowMs) - from <= 20 * DAY_MS) return;
      wholes += 1;
      throw new StoreError('STORE_TIMEOUT', true, 'late');
    });
    const finished: string[] = [];
    let pieces = 0;
    const session = interposed(
      ledger.session,
      () => {},
      (script, commands, replies) => {
        if (script !== 'fill') return;
        commands.forEach(({ userId, args }, i) => {
          if (userId === 'u-whale') pieces += Number(replies[i]);
          if (args[3] === '' && replies[i] === 1) finished.push(userId);
        });
      },
    );
    await openCold(ledger, ['u-whale', ...small]);
    // One object, because the filler remembers spans for as long as the store is the same.
    const watchedLedger = { ...ledger, session, store: bound(store, { tallies }) };
    started(t, { ledger: () => watchedLedger });
    await completeOnce(ledger, ['u-whale', ...small]);
    t.equal(finished.length, 201);
    t.equal(finished.at(-1), 'u-whale', 'last of all');
    t.ok(pieces > 20 && wholes > 0, `${pieces} pieces`);
    t.equal(await isRight(t, ledger, 'u-whale'), 700);
    t.match(await auditUsers(ledger, small), { compared: 200, filling: [], differences: [] });
  });

  await t.test('stopped, it starts nothing more, and nobody waits for it', async () => {
    const ledger = await world.begin();
    const filler = new Filler({ ledger: () => ledger });
    filler.start();
    filler.stop();
    filler.add('u-stopped');
    await filler.idle();
    await sleep(250);
    t.strictSame(await readFillStatuses(ledger.session, ledger.generations, ['u-stopped']), ['unknown']);
  });
});
