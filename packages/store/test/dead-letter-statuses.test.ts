import { test } from 'tap';
import { testStore } from './support.ts';

const events = (ids: string[]) => ids.map((id) => ({ id, letter: `dlq:0:${id}` }));

test('marks of dead letters', async (t) => {
  const { store, another } = await testStore(t);
  const { deadLetterStatuses: marks } = store;

  await t.test('an event without a mark is open, and no mark is asked for nothing', async (t) => {
    t.strictSame(await marks.of(['nothing']), new Map());
    t.strictSame(await marks.of([]), new Map());
    t.strictSame(await marks.claim([], 'retrying', 'a'), new Map());
    await marks.settle([], 'a');
  });

  await t.test('of many who claim the same events at once, each event has one', async (t) => {
    const ids = Array.from({ length: 40 }, (_, i) => `many-${i}`);
    const others = Array.from({ length: 6 }, another);
    const inTheWay = await Promise.all(
      others.map((one, i) => one.deadLetterStatuses.claim(events(ids), 'retrying', `attempt-${i}`)),
    );
    const got = inTheWay.map((taken) => ids.filter((id) => !taken.has(id)));
    t.strictSame(got.flat().sort(), ids.toSorted(), 'every event went to one, and to one only');
    const found = await marks.of(ids);
    for (const [i, mine] of got.entries()) {
      t.ok(
        mine.every((id) => found.get(id)?.attempt === `attempt-${i}`),
        'the mark says whose',
      );
    }
    t.ok(inTheWay.every((taken) => [...taken.values()].every(({ state }) => state === 'retrying')));
  });

  await t.test('a claim that is repeated by the same attempt is still its own', async (t) => {
    await marks.claim(events(['again-1']), 'retrying', 'a');
    t.strictSame(await marks.claim(events(['again-1', 'again-2']), 'retrying', 'a'), new Map());
    t.strictSame([...(await marks.claim(events(['again-2']), 'discarded', 'b')).keys()], ['again-2']);
  });

  await t.test('what is claimed is settled by its attempt alone, any number of times', async (t) => {
    await marks.claim(events(['s-1', 's-2']), 'retrying', 'a');
    await marks.settle(['s-1', 's-2'], 'b');
    t.equal((await marks.of(['s-1'])).get('s-1')?.state, 'retrying');
    await marks.settle(['s-1'], 'a');
    await marks.settle(['s-1'], 'a');
    const found = await marks.of(['s-1', 's-2']);
    t.match(found.get('s-1'), { state: 'retried', attempt: 'a', letter: 'dlq:0:s-1' });
    t.equal(found.get('s-2')?.state, 'retrying');
  });

  await t.test('of many who take over the same mark at once, one does', async (t) => {
    await marks.claim(events(['o-1']), 'retrying', 'dead');
    const seen = (await marks.of(['o-1'])).get('o-1')!;
    const others = Array.from({ length: 6 }, another);
    const took = await Promise.all(
      others.map((one, i) => one.deadLetterStatuses.takeOver(seen, 'retrying', `heir-${i}`)),
    );
    t.equal(took.filter(Boolean).length, 1);
    const heir = `heir-${took.indexOf(true)}`;
    t.equal((await marks.of(['o-1'])).get('o-1')?.attempt, heir);
    t.ok(await marks.takeOver(seen, 'retrying', heir), 'a repetition finds what it wrote');
    await marks.settle(['o-1'], 'dead');
    t.equal((await marks.of(['o-1'])).get('o-1')?.state, 'retrying', 'who lost it does not settle it');
  });
});
