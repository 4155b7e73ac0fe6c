import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { test } from 'tap';
import { type CallRow, sameSource } from '../src/index.ts';
import { ALL_ROWS, holds, NOON, rowOf, testStore } from './support.ts';

const idOf = (callId: string, userId = 'u-1') => `${userId}\u001f${callId}`;

test('inserting calls', async (t) => {
  const { store, db, another } = await testStore(t);
  const rows = db.collection<CallRow>('calls');
  /** Of each row: new, there by its own event, or there by another one. */
  const outcomes = async (batch: CallRow[]) => {
    const standing = await store.calls.insert(batch);
    return standing.map((before, i) => {
      if (before === undefined) return 'inserted';
      return sameSource(before.source, batch[i]!.source) ? 'own' : 'taken';
    });
  };

  await t.test('a row is inserted once, and its id tells the user and the call', async (t) => {
    t.strictSame(await outcomes([rowOf({ callId: 'a' }, { offset: 1 })]), ['inserted']);
    t.strictSame(
      await outcomes([
        rowOf({ callId: 'new' }, { offset: 2 }),
        rowOf({ callId: 'a' }, { offset: 1 }),
        rowOf({ callId: 'a' }, { offset: 3 }),
        rowOf({ callId: 'a' }, { offset: 1, partition: 1 }),
        rowOf({ callId: 'a' }, { offset: 1, stream: 1 }),
        rowOf({ callId: 'a', durationMs: 1 }, { offset: 4 }),
        rowOf({ callId: 'a', userId: 'u-2' }, { offset: 5 }),
      ]),
      ['inserted', 'own', 'taken', 'taken', 'taken', 'taken', 'inserted'],
    );
    t.strictSame(
      await rows.find({ _id: { $in: [idOf('a'), idOf('a', 'u-2')] } }).toArray(),
      [rowOf({ callId: 'a' }, { offset: 1 }), rowOf({ callId: 'a', userId: 'u-2' }, { offset: 5 })],
      'the first one stands, and another user has their own',
    );
  });

  await t.test('a full batch of the largest rows is inserted, found and told apart', async (t) => {
    const id = (i: number) => `${String(i).padStart(6, '0')}${'💬'.repeat(250)}`;
    const batch = Array.from({ length: 6_000 }, (_, i) =>
      rowOf(
        {
          callId: id(i),
          userId: id(i % 7),
          agentId: id(0),
          direction: '💬'.repeat(64),
          status: '💬'.repeat(64),
          durationMs: 604_800_000,
        },
        { offset: 2 ** 40 + i, partition: 999 },
      ),
    );
    t.ok(await outcomes(batch).then((told) => told.every((outcome) => outcome === 'inserted')));
    t.ok(await outcomes(batch).then((told) => told.every((outcome) => outcome === 'own')));
    t.ok(await store.calls.allPresent(batch.slice(0, 2_000)));
    t.strictSame(await rows.findOne({ _id: batch[5_999]!._id }), batch[5_999]);
    t.strictSame(await store.tallies.sumByRange(id(3), [{ from: NOON, until: NOON + 1 }], ALL_ROWS), [
      { calls: 857, durationMs: 857 * 604_800_000 },
    ]);
  });

  await t.test('ids that mean something to stores are ids like any others', async (t) => {
    const odd = [
      '$where',
      'a.b',
      '__proto__',
      '{"$gt":""}',
      '$',
      'é',
      'e\u0301',
      '\u202eabc',
      'x\u2028y',
      '}',
    ];
    const batch = odd.map((id, i) =>
      rowOf({ callId: `odd ${id}`, userId: id, agentId: id }, { offset: 500 + i }),
    );
    t.strictSame(
      await outcomes(batch),
      batch.map(() => 'inserted'),
    );
    for (const [i, id] of odd.entries()) {
      t.strictSame(await rows.findOne({ _id: idOf(`odd ${id}`, id) }), batch[i]);
      t.equal(await store.users.callsOf(id), 1);
    }
    const through = new Map([['0:0', 10_000]]);
    const tallies = await store.tallies.sumByDayAndPartition(odd, through);
    t.strictSame(
      tallies.map(({ userId, calls }) => `${userId} ${calls}`).sort(),
      odd.map((id) => `${id} 1`).sort(),
    );
    const found = await store.calls.find(batch.map(({ _id }) => _id));
    t.strictSame(found, new Map(batch.map((row) => [row._id, row])));
  });

  await t.test('within one batch the first event of a call wins, in the order given', async (t) => {
    const batch = [
      rowOf({ callId: 'z' }, { offset: 10 }),
      rowOf({ callId: 'b', durationMs: 5 }, { offset: 11 }),
      rowOf({ callId: 'z' }, { offset: 12 }),
      rowOf({ callId: 'b', durationMs: 6 }, { offset: 13 }),
      rowOf({ callId: 'z', userId: 'u-9' }, { offset: 14 }),
    ];
    t.strictSame(await outcomes(batch), ['inserted', 'inserted', 'taken', 'taken', 'inserted']);
    const again = ['own', 'own', 'taken', 'taken', 'own'];
    t.strictSame(await outcomes(batch), again, 'the same when the batch comes again after a lost answer');
    t.strictSame(await outcomes(batch.toReversed()), again.toReversed());
  });

  await t.test('a partly written batch, whose answer was lost, is completed', async (t) => {
    const batch = Array.from({ length: 40 }, (_, i) => rowOf({ callId: `part-${i}` }, { offset: 100 + i }));
    await rows.insertMany(batch.filter((_, i) => i % 3 === 0));
    t.strictSame(
      await outcomes(batch),
      batch.map((_, i) => (i % 3 === 0 ? 'own' : 'inserted')),
    );
    t.equal(await rows.countDocuments({ _id: /part-/ }), 40);
  });

  await t.test('all rows are present if each was inserted by its own event, and only then', async (t) => {
    const batch = Array.from({ length: 20 }, (_, i) =>
      rowOf({ callId: `held-${i}` }, { stream: 1, partition: 2, offset: 50 + 2 * i }),
    );
    await outcomes(batch);
    t.equal(await store.calls.allPresent(batch), true);
    t.equal(await store.calls.allPresent(batch.slice(3, 9)), true);
    t.equal(await store.calls.allPresent([]), true);
    const last = batch.at(-1)!.source;
    const not: [what: string, row: CallRow][] = [
      ['a row that is missing', rowOf({ callId: 'held-none' }, { ...last, offset: 99 })],
      ['an event that comes again', rowOf({ callId: 'held-3' }, { ...last, offset: 99 })],
    ];
    for (const [what, row] of not) t.equal(await store.calls.allPresent([...batch, row]), false, what);
    const moved = (change: Partial<CallRow['source']>) =>
      batch.map((row) => ({ ...row, source: { ...row.source, ...change } }));
    t.equal(await store.calls.allPresent(moved({ stream: 0 })), false, 'of another stream');
    t.equal(await store.calls.allPresent(moved({ partition: 3 })), false, 'of another partition');
    const behind = batch.map((row) => ({
      ...row,
      source: { ...row.source, offset: row.source.offset + 39 },
    }));
    t.equal(await store.calls.allPresent(behind), false, 'brought by earlier events');
  });

  await t.test('a row that Mongo refuses is an error', async (t) => {
    const large = 'x'.repeat(17 * 1024 * 1024);
    await t.rejects(outcomes([rowOf({ callId: 'large', agentId: large })]), { name: 'StoreError' });
  });

  await t.test('more rows than a command takes are inserted by several', async (t) => {
    const many = Array.from({ length: 8_003 }, (_, i) => rowOf({ callId: `many-${i}` }, { offset: i }));
    const repeated = [...many, rowOf({ callId: 'many-7' }, { offset: 9_000 })];
    const said = await outcomes(repeated);
    t.strictSame([new Set(said.slice(0, -1)), said.at(-1)], [new Set(['inserted']), 'taken']);
    const again = await outcomes(repeated);
    t.strictSame([new Set(again.slice(0, -1)), again.at(-1)], [new Set(['own']), 'taken']);
    t.equal(await rows.countDocuments({ _id: /many-/ }), 8_003);
  });

  await t.test('no rows, no outcomes', async (t) => {
    t.strictSame(await outcomes([]), []);
  });

  await t.test(
    'for any batches, in any order, repeated, what stands is a map of first events by user and call',
    async (t) => {
      let run = 0;
      const event = fc.record({
        id: fc.nat(6),
        user: fc.nat(1),
        durationMs: fc.nat(1),
        partition: fc.nat(1),
        offset: fc.nat(3),
      });
      await holds(
        t,
        fc.asyncProperty(fc.array(fc.array(event, { maxLength: 8 }), { maxLength: 5 }), async (batches) => {
          run += 1;
          const prefix = `any-${run}-`;
          const first = new Map<string, CallRow>();
          for (const batch of batches) {
            const given = batch.map(({ id, user, durationMs, partition, offset }) =>
              rowOf({ callId: prefix + id, userId: `u-${user}`, durationMs }, { partition, offset }),
            );
            const expected = given.map((row) => {
              const known = first.get(row._id);
              if (known === undefined) first.set(row._id, row);
              return known;
            });
            assert.deepStrictEqual(await store.calls.insert(given), expected);
          }
          const kept = await rows.find({ _id: new RegExp(prefix) }).toArray();
          assert.deepStrictEqual(new Map(kept.map((row) => [row._id, row])), first);
        }),
        60,
      );
    },
  );

  await t.test(
    'with eight writers of the same calls in different orders, every call has one canonical event',
    async (t) => {
      const writers = 8;
      const calls = 300;
      const stores = Array.from({ length: writers }, another);
      for (let round = 0; round < 4; round++) {
        const results = await Promise.all(
          stores.map(async ({ calls: sink }, writer) => {
            const batch = Array.from({ length: calls }, (_, i) =>
              rowOf({ callId: `race-${round}-${i}` }, { partition: writer, offset: i }),
            ).sort(() => Math.random() - 0.5);
            const inserted: string[] = [];
            for (let at = 0; at < calls; at += 100) {
              const part = batch.slice(at, at + 100);
              const standing = await sink.insert(part);
              inserted.push(...part.flatMap(({ _id }, i) => (standing[i] === undefined ? _id : [])));
            }
            return inserted;
          }),
        );
        const canonical = results.flat();
        t.equal(canonical.length, calls);
        t.equal(new Set(canonical).size, calls);
      }
      t.equal(await rows.countDocuments({ _id: /race-/ }), calls * 4);
    },
  );

  await t.test('Mongo returns rows as they were inserted, up to the longest and latest call', async (t) => {
    const row = rowOf(
      { callId: 'far', startedAt: NOON + 0.999e12, durationMs: 604_800_000, agentId: 'a|b@c' },
      { stream: 3, partition: 199, offset: 2 ** 52 },
    );
    t.strictSame(await outcomes([row]), ['inserted']);
    t.strictSame(await rows.findOne({ _id: idOf('far') }), row);
    t.strictSame(await outcomes([row]), ['own']);
  });
});
