import { test } from 'tap';
import { testStore } from './support.ts';

const events = (ids: string[]) => ids.map((id) => ({ id, letter: `dlq:0:${id}` }));

test('statuses of dead letters', async (t) => {
  const { store, db, another } = await testStore(t);
  const { deadLetterStatuses: statuses } = store;

  await t.test('an event without a status is open, and nothing is written for no events', async (t) => {
    t.strictSame(await statuses.of(['nothing']), new Map());
    t.strictSame(await statuses.of([]), new Map());
    await statuses.set([], 'retried');
  });

  await t.test('a state is written for each event, any number of times', async (t) => {
    const ids = ['a-1', 'a-2'];
    await statuses.set(events(ids), 'retried');
    await statuses.set(events(ids), 'retried');
    const found = await statuses.of([...ids, 'a-3']);
    t.strictSame([...found.keys()].sort(), ids);
    t.match(found.get('a-1'), { state: 'retried', letter: 'dlq:0:a-1', at: Date });
  });

  await t.test('the last state stands', async (t) => {
    await statuses.set(events(['l-1']), 'discarded');
    const before = (await statuses.of(['l-1'])).get('l-1')!;
    t.equal(before.state, 'discarded');
    await statuses.set([{ id: 'l-1', letter: 'dlq:0:other' }], 'retried');
    const after = (await statuses.of(['l-1'])).get('l-1')!;
    t.match(after, { state: 'retried', letter: 'dlq:0:other' });
    t.ok(after.at >= before.at);
  });

  await t.test(
    'of many who write the same events at once, none fails and no event is left out',
    async (t) => {
      const ids = Array.from({ length: 40 }, (_, i) => `many-${i}`);
      const others = Array.from({ length: 6 }, another);
      for (let round = 0; round < 5; round++) {
        const own = ids.map((id) => `${id}-${round}`);
        await Promise.all(
          others.map((one, i) =>
            one.deadLetterStatuses.set(
              events(i % 2 === 0 ? own : own.toReversed()),
              i < 3 ? 'retried' : 'discarded',
            ),
          ),
        );
        t.equal((await statuses.of(own)).size, own.length);
      }
    },
  );

  await t.test('statuses of version 0.1, which claimed letters, are read and replaced', async (t) => {
    const rows = db.collection<{ _id: string }>('dead_letters');
    const old = (state: string) => ({
      _id: `old-${state}`,
      letter: 'dlq:0:1',
      state,
      attempt: 'a',
      at: new Date(0),
    });
    await rows.insertMany(['retrying', 'retried', 'discarded'].map(old));
    const ids = ['old-retrying', 'old-retried', 'old-discarded'];
    const found = await statuses.of(ids);
    t.strictSame(
      ids.map((id) => found.get(id)?.state),
      [undefined, 'retried', 'discarded'],
      'an interrupted retry is open, since its event may not be published',
    );
    await statuses.set(events(ids), 'retried');
    t.strictSame(
      [...(await statuses.of(ids)).values()].map(({ state }) => state),
      ['retried', 'retried', 'retried'],
    );
    t.equal(await rows.countDocuments({ attempt: { $exists: true } }), 0, 'nothing of a claim is left');
  });
});
