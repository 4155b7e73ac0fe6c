import { test } from 'tap';
import { Fault } from '../src/api.ts';
import { Refresher } from '../src/use-refreshed.ts';

/** A load that ends when the test says so. */
function loads() {
  const open: { resolve(value: number): void; reject(fault: Fault): void }[] = [];
  let began = () => {};
  return {
    open,
    load: () =>
      new Promise<number>((resolve, reject) => {
        open.push({ resolve, reject });
        began();
      }),
    /** The `n`th load, once it has begun. */
    async nth(n: number) {
      while (open.length < n) {
        await new Promise<void>((resolve) => {
          began = resolve;
        });
      }
      return open[n - 1]!;
    },
  };
}

test('changes during a load cause one more load, however many they are', async (t) => {
  const { load, nth, open } = loads();
  const values: number[] = [];
  const refresher = new Refresher(load, { value: (value) => values.push(value), fault: () => {} }, 0);
  t.teardown(() => refresher.stop());
  refresher.changed();
  const first = await nth(1);
  for (let i = 0; i < 10; i++) refresher.changed();
  first.resolve(1);
  (await nth(2)).resolve(2);
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.same(values, [1, 2]);
  t.equal(open.length, 2);
});

test('a failed load is retried by itself, and at once on retry()', async (t) => {
  const { load, nth } = loads();
  const faults: Fault[] = [];
  let told = (_: number) => {};
  const loaded = new Promise<number>((resolve) => {
    told = resolve;
  });
  const refresher = new Refresher(load, { value: told, fault: (fault) => faults.push(fault) }, 0);
  t.teardown(() => refresher.stop());
  refresher.changed();
  (await nth(1)).reject(new Fault('unavailable', 'not now', 0));
  (await nth(2)).reject(new Fault('unavailable', 'not for an hour', 3_600_000));
  await new Promise((resolve) => setImmediate(resolve));
  refresher.retry();
  (await nth(3)).resolve(7);
  t.equal(await loaded, 7);
  t.same(
    faults.map(({ message }) => message),
    ['not now', 'not for an hour'],
  );
});

test('nothing is reported after stop()', async (t) => {
  const { load, nth } = loads();
  const told: unknown[] = [];
  const refresher = new Refresher(load, { value: (v) => told.push(v), fault: (f) => told.push(f) }, 0);
  refresher.changed();
  const first = await nth(1);
  refresher.stop();
  first.resolve(1);
  await new Promise((resolve) => setTimeout(resolve, 10));
  t.same(told, []);
});
