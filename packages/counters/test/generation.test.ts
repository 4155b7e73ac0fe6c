import { test } from 'tap';
import {
  advanceAsOf,
  ensureGenerations,
  readGenerations,
  writeCheckpoint,
  writeCheckpoints,
} from '../src/index.ts';
import { testCounters } from './support.ts';

const LEDGER = 'ct2:ledger:{0}';

test('generations', async (t) => {
  const counters = await testCounters(t);
  const { session, admin } = counters;
  const begin = (id: string | undefined, through: Record<string, number> = {}, one = session) =>
    ensureGenerations(one, {
      retentionMonths: 25,
      through: new Map(Object.entries(through)),
      ...(id === undefined ? {} : { replacing: new Set([id]) }),
    }).then((all) => [...all.values()][0]!);

  await t.test('twenty sessions that start at once find one generation', async (t) => {
    await admin.flushall();
    const sessions = await Promise.all(Array.from({ length: 20 }, () => counters.open()));
    const begun = await Promise.all(
      sessions.map((one, i) => begin(undefined, { '0:0': i, '0:1': i + 5 }, one)),
    );
    t.equal(new Set(begun.map(({ id }) => id)).size, 1);
    const checkpoints = begun[0]!.checkpoints;
    t.ok(
      begun.every(
        (one) =>
          one.checkpoints.get('0:0') === checkpoints.get('0:0') &&
          one.checkpoints.get('0:1') === checkpoints.get('0:1'),
      ),
    );
    t.equal(
      checkpoints.get('0:1')! - checkpoints.get('0:0')!,
      5,
      'and its checkpoints are those of one of them',
    );
    for (const one of sessions) one.end('done');
  });

  await t.test(
    'a checkpoint never goes back, even if a consumer is slow to notice that another took over',
    async (t) => {
      await admin.flushall();
      await begin(undefined, { '0:0': -1 });
      const generations = await readGenerations(session);
      for (const through of [9, 3, 0])
        await writeCheckpoint({ session, generations }, { partition: '0:0', through });
      t.equal([...(await readGenerations(session)).values()][0]!.checkpoints.get('0:0'), 9);
    },
  );

  await t.test('a generation keeps its checkpoints, as-of and retention', async (t) => {
    await admin.flushall();
    const first = await begin(undefined, { '0:0': 4 });
    const generations = await readGenerations(session);
    await writeCheckpoint({ session, generations }, { partition: '0:0', through: 9, asOfMs: 1234 });
    const again = [
      ...(await ensureGenerations(session, { retentionMonths: 3, through: new Map([['0:0', 77]]) })).values(),
    ][0]!;
    t.strictSame(again, {
      nodes: [],
      slots: undefined,
      left: [],
      tenure: '',
      id: first.id,
      retentionMonths: 25,
      cellsMax: 1_000,
      checkpoints: new Map([['0:0', 9]]),
      asOf: new Map([['0:0', 1234]]),
      erased: 0,
      asOfMs: undefined,
    });
    await writeCheckpoint({ session, generations }, { partition: '0:0', through: 10 });
    t.strictSame(
      await readGenerations(session),
      new Map([[session.masters[0], { ...again, checkpoints: new Map([['0:0', 10]]) }]]),
    );
  });

  await t.test('a partition that was added is known, with nothing counted', async (t) => {
    const before = await begin(undefined);
    const { id, checkpoints, asOf } = await begin(undefined, { '0:0': 50, '0:1': 50 });
    t.equal(id, before.id);
    t.strictSame(
      checkpoints,
      new Map([
        ['0:0', 10],
        ['0:1', -1],
      ]),
    );
    t.equal(asOf.get('0:1'), asOf.get('0:0'), 'and as-of stands still: it was not there by then');
  });

  await t.test('a generation is replaced only by those who name it', async (t) => {
    const before = await begin(undefined);
    t.equal((await begin('some-other')).id, before.id);
    const after = await Promise.all(Array.from({ length: 8 }, () => begin(before.id, { '0:7': 3 })));
    t.equal(new Set(after.map(({ id }) => id)).size, 1);
    t.not(after[0]!.id, before.id);
    t.strictSame(after[0]!.checkpoints, new Map([['0:7', 3]]), 'with checkpoints of its own');
    t.strictSame(after[0]!.asOf, new Map());
    t.equal((await begin(before.id)).id, after[0]!.id);
  });

  await t.test('a checkpoint is refused in another generation, and without one', async (t) => {
    const old = await readGenerations(session);
    const checkpoint = { partition: '0:0', through: 99, asOfMs: 5 };
    await admin.flushall();
    await t.rejects(writeCheckpoint({ session, generations: old }, checkpoint), {
      code: 'COUNTERS_GENERATION',
      retryable: true,
    });
    t.equal(await admin.exists(LEDGER), 0);
    await begin(undefined, { '0:0': 1 });
    const fields = await admin.hgetall(LEDGER);
    await t.rejects(writeCheckpoint({ session, generations: old }, checkpoint), {
      code: 'COUNTERS_GENERATION',
    });
    t.strictSame(await admin.hgetall(LEDGER), fields);
    t.equal(session.isOpen, true, 'the connection is sound');
  });

  await t.test('as-of of a master is the lowest of its partitions, or unknown', async (t) => {
    await admin.flushall();
    const [master] = session.masters;
    const partitions = Array.from({ length: 2_500 }, (_, i) => `0:${i}`);
    const through = Object.fromEntries(partitions.map((partition) => [partition, -1]));
    await begin(undefined, through);
    const ledger = { session, generations: await readGenerations(session) };
    const noted = async () => {
      await advanceAsOf(session, master!);
      const [one] = (await readGenerations(session, () => false)).values();
      const { asOfMs, checkpoints } = one!;
      return { asOfMs, checkpoints };
    };
    await writeCheckpoints(ledger, master!, [{ partition: '0:7', asOfMs: 5_000 }]);
    t.equal((await noted()).asOfMs, undefined);
    await writeCheckpoints(
      ledger,
      master!,
      partitions.map((partition, i) => ({ partition, through: i, asOfMs: 6_000 + i })),
    );
    t.strictSame(await noted(), { asOfMs: 6_000, checkpoints: new Map() });
    t.equal([...(await readGenerations(session)).values()][0]!.checkpoints.get('0:2499'), 2_499);
    await begin(undefined, { ...through, '0:2500': -1 });
    t.equal((await noted()).asOfMs, 6_000, 'a partition was added: it was not there by then');
    const { asOfMs } = await begin(undefined, { '1:0': -1 });
    t.equal(asOfMs, undefined, 'another topic epoch');
    await writeCheckpoints(ledger, master!, [{ partition: '1:0', asOfMs: 9_000 }]);
    t.equal((await noted()).asOfMs, 9_000);
    await admin.flushall();
    await advanceAsOf(session, master!);
    t.equal(await admin.exists(LEDGER), 0, 'nothing is noted where no generation is');
  });

  await t.test('without a generation, none is read', async (t) => {
    await admin.flushall();
    t.equal((await readGenerations(session)).size, 0);
  });
});
