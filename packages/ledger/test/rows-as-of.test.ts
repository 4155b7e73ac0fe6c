import { test } from 'tap';
import { RowsAsOf } from '../src/index.ts';
import { testWorld, until } from './support.ts';

test('the as-of of rows is polled, and stays while Mongo cannot be asked', async (t) => {
  const { store } = await testWorld(t);
  let down = false;
  const progress = new Proxy(store.progress, {
    get(target, name) {
      if (name === 'asOf' && down) return () => Promise.reject(new Error('down'));
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  await store.progress.advanceAsOf(0, [0, 1], 1_000);
  const rowsAsOf = new RowsAsOf({ ...store, progress });
  t.equal(rowsAsOf.current, undefined);
  rowsAsOf.start();
  t.equal(
    await until(
      () => rowsAsOf.current,
      (now) => now !== undefined,
    ),
    1_000,
  );
  await store.progress.advanceAsOf(0, [1, 0], 2_000);
  t.equal(
    await until(
      () => rowsAsOf.current,
      (now) => now === 2_000,
    ),
    2_000,
  );
  down = true;
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  t.equal(rowsAsOf.current, 2_000);
  await rowsAsOf.stop();
});
