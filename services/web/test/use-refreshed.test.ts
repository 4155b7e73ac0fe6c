import { ApiError } from '@calltally/client';
import fc from 'fast-check';
import { test } from 'tap';
import { backoffMs, Refresher } from '../src/use-refreshed.ts';

/** A load that ends when the test says so. */
function loads() {
  const open: { resolve(value: number): void; reject(error: ApiError): void }[] = [];
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
  const faults: unknown[] = [];
  let told = (_: number) => {};
  const loaded = new Promise<number>((resolve) => {
    told = resolve;
  });
  const refresher = new Refresher(load, { value: told, fault: ({ message }) => faults.push(message) }, 0);
  t.teardown(() => refresher.stop());
  refresher.changed();
  (await nth(1)).reject(new ApiError('UNAVAILABLE', 'not now', { status: 503 }));
  (await nth(2)).reject(
    new ApiError('UNAVAILABLE', 'not for an hour', { status: 503, retryAfterMs: 3_600_000 }),
  );
  await new Promise((resolve) => setImmediate(resolve));
  refresher.retry();
  (await nth(3)).resolve(7);
  t.equal(await loaded, 7);
  t.same(faults, ['not now', 'not for an hour']);
});

test('what the API refuses is not asked again by itself', async (t) => {
  const { load, open, nth } = loads();
  let told = () => {};
  const refused = new Promise<void>((resolve) => {
    told = resolve;
  });
  const refresher = new Refresher(load, { value: () => {}, fault: () => told() }, 0);
  t.teardown(() => refresher.stop());
  refresher.changed();
  (await nth(1)).reject(new ApiError('INVALID_PARAMETER', 'no such zone', { status: 400 }));
  await refused;
  // Longer than the first pause.
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  t.equal(open.length, 1);
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

test('pauses double from a second to half a minute, and half of each is random', async (t) => {
  t.same(
    [1, 2, 3, 6, 50].map((failures) => backoffMs(failures, () => 1)),
    [1_000, 2_000, 4_000, 30_000, 30_000],
  );
  t.equal(
    backoffMs(1, () => 0),
    500,
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (failures, chance) => {
        const ms = backoffMs(failures, () => chance);
        return ms >= 500 && ms <= 30_000;
      },
    ),
  );
});
