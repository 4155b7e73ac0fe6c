import { toRow } from '@calltally/store';
import { test } from 'tap';
import {
  auditUsers,
  fillPieces,
  fillUntilComplete,
  openCold,
  PieceReader,
  recordBatch,
  reopen,
  repairUsers,
} from '../src/index.ts';
import { batchOf, bothFilled, bothOf, callOf, callsIn, DAY_MS, interposed, testWorld } from './support.ts';

test('repairing', async (t) => {
  const world = await testWorld(t);
  const { store, admin } = world;
  /** So small that a history takes several. */
  const smallPieces = () =>
    new PieceReader(store.tallies, { wholeTimeoutMs: 0, rowsWanted: 4, firstSpanMs: DAY_MS });

  await t.test('a user is repaired even if events are counted before every piece', async (t) => {
    const ledger = await world.begin();
    const another = await world.begin();
    let offset = 0;
    const count = () => {
      const call = callOf('u-hot', { durationMs: offset, startedAt: Date.now() - offset * 5 * DAY_MS });
      return recordBatch(another, batchOf(7, [{ offset: offset++, call }]));
    };
    for (let i = 0; i < 12; i++) await count();
    await fillUntilComplete(ledger, ['u-hot']);
    await admin.del(...(await admin.keys('ct2:{u-hot}:*')));
    let pieces = 0;
    const session = interposed(ledger.session, async (script) => {
      if (script !== 'fill') return;
      await count();
      pieces += 1;
    });
    await repairUsers({ ...ledger, session }, ['u-hot'], { pieces: smallPieces() });
    t.ok(pieces > 3, `${pieces} pieces`);
    t.strictSame((await auditUsers(ledger, ['u-hot'])).differences, []);
    const both = (await bothOf(world, ledger, 'u-hot'))!;
    t.strictSame(both.counters, both.rows);
    t.equal(callsIn(both.counters), offset);
  });

  await t.test('cold and half-filled users become complete, complete ones are left alone', async (t) => {
    const ledger = await world.begin();
    const users = ['u-cold', 'u-half', 'u-opened'];
    const calls = users.flatMap((userId) =>
      [0, 40, 80].map((daysAgo) => callOf(userId, { startedAt: Date.now() - daysAgo * DAY_MS })),
    );
    await store.calls.insert(calls.map((call, offset) => toRow(call, { stream: 0, partition: 8, offset })));
    await store.progress.advanceStored(0, 8, calls.length);
    await openCold(ledger, ['u-half', 'u-opened']);
    await fillPieces(ledger, smallPieces(), ['u-half']);
    await fillUntilComplete(ledger, ['u-complete']);
    const before = await admin.hgetall('ct2:{u-complete}');
    const half = await admin.hgetall('ct2:{u-half}');
    const rows: number[] = [];
    await fillUntilComplete(ledger, [...users, 'u-complete'], { onRows: (some) => rows.push(some) });
    t.equal(
      rows.reduce((a, b) => a + b),
      8,
      'the row that was filled before is not added up again',
    );
    t.strictSame(await admin.hgetall('ct2:{u-complete}'), before);
    t.equal((await admin.hgetall('ct2:{u-half}')).n, half.n, 'gone on with, not begun anew');
    t.strictSame(await auditUsers(ledger, [...users, 'u-complete']), {
      compared: 4,
      cold: [],
      filling: [],
      differences: [],
    });
    for (const userId of users) t.equal(callsIn((await bothOf(world, ledger, userId))!.counters), 3);
    t.equal(await admin.zcard('ct2:filling:{0}'), 0, 'nobody waits');
  });

  await t.test(
    'a reopened user is forgotten, opened and queued, and filled from the present rows',
    async (t) => {
      const ledger = await world.begin();
      await recordBatch(ledger, batchOf(9, [{ offset: 0, call: callOf('u-anew') }]));
      await fillUntilComplete(ledger, ['u-anew']);
      const lost = callOf('u-anew', { startedAt: Date.now() - 3 * DAY_MS });
      await store.progress.advanceStored(0, 9, 1);
      await store.calls.insert([toRow(lost, { stream: 0, partition: 9, offset: 1 })]);
      t.equal(await reopen(ledger, ['u-anew', 'u-nobody']), 2);
      t.equal(await reopen(ledger, []), 0);
      t.strictSame((await admin.zrange('ct2:filling:{0}', '0', '-1')).sort(), ['u-anew', 'u-nobody']);
      const both = await bothFilled(world, ledger, 'u-anew');
      t.strictSame(both.counters, both.rows);
      t.equal(callsIn(both.counters), 2);
    },
  );

  await t.test('a user who is reopened all the time is filled until the signal aborts', async (t) => {
    const ledger = await world.begin();
    const another = await world.begin();
    const stopping = new AbortController();
    let fills = 0;
    const session = interposed(ledger.session, async (script) => {
      if (script !== 'fill') return;
      await reopen(another, ['u-contended']);
      fills += 1;
      if (fills === 10) stopping.abort();
    });
    await repairUsers({ ...ledger, session }, ['u-contended'], { signal: stopping.signal });
    t.equal(fills, 10);
    t.match(await auditUsers(ledger, ['u-contended']), { filling: ['u-contended'], differences: [] });
  });
});
