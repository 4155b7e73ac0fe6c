import { test } from 'tap';
import { testStore } from './support.ts';

test('an unfinished rebuild is remembered until it is forgotten, and does not change progress', async (t) => {
  const { store, another } = await testStore(t);
  const state = {
    generation: 'g-1',
    through: 'u-5',
    users: 5,
    calls: 50,
    rows: 55,
    ahead: 7,
    drifted: 1,
    cold: 2,
    filling: 1,
    seconds: 1.5,
  };
  t.equal(await store.rebuilds.unfinished(), undefined);
  await store.rebuilds.save(state);
  await store.rebuilds.save({ ...state, through: 'u-6' });
  t.strictSame(await another().rebuilds.unfinished(), { ...state, through: 'u-6' });
  t.strictSame(await store.progress.storedThrough(), new Map());
  t.equal(await store.progress.currentStream(), 0);
  await store.rebuilds.forget();
  await store.rebuilds.forget();
  t.equal(await store.rebuilds.unfinished(), undefined);
});
