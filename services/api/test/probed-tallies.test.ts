import { DAY_SLOTS } from '@calltally/domain';
import { HealthProbe } from '@calltally/http';
import { testMongo, uniqueName } from '@calltally/stack/testing';
import { openStore, StoreError, toRow } from '@calltally/store';
import { test } from 'tap';
import { ProbedTallies } from '../src/probed-tallies.ts';
import { NOW_MS } from './support.ts';

const ROWS = 20_000;
const DAY_MS = 86_400_000;
const LATE_FOR_MS = 1_000;
/** So many ranges that Mongo takes far longer for them than the time limit. */
const FAR_BACK = Array.from({ length: 3_000 }, (_, i) => ({ from: NOW_MS - (i + 2) * 600, until: NOW_MS }));
/** Mongo looks through them for each row. */
const MANY_BINS = Array.from({ length: 100_000 }, (_, i) => -1_000 * i - 1);
const ALL = { rows: undefined, corrections: undefined };
const LATELY = [{ from: NOW_MS - 1_000, until: NOW_MS }];

test('a sum that a living Mongo did not finish in time is refused for a while', async (t) => {
  const { address } = await testMongo(t);
  const open = (timeoutMs: number) =>
    openStore({ uri: address, database, timeoutMs, selectionTimeoutMs: 5_000 });
  const database = uniqueName('patient');
  const store = open(20_000);
  const hasty = open(500);
  t.teardown(() => Promise.all([store.close(), hasty.close()]));
  await store.ensureIndexes();
  for (const userId of ['large', 'other']) {
    for (let first = 0; first < ROWS; first += 5_000) {
      const rows = Array.from({ length: 5_000 }, (_, i) =>
        toRow(
          {
            callId: `${userId}-${first + i}`,
            userId,
            startedAt: NOW_MS - 1 - (first + i) * 100,
            durationMs: 1,
          },
          { stream: 0, partition: 0, offset: first + i },
        ),
      );
      await store.calls.insert(rows);
    }
  }
  while (!(await new HealthProbe(hasty).isUp()));
  let sums = 0;
  const counted = {
    sumByRange: (...asked: Parameters<typeof hasty.tallies.sumByRange>) => {
      sums += 1;
      return hasty.tallies.sumByRange(...asked);
    },
    sumBySlot: hasty.tallies.sumBySlot.bind(hasty.tallies),
    sumByCell: (...asked: Parameters<typeof hasty.tallies.sumByCell>) => {
      sums += 1;
      return hasty.tallies.sumByCell(...asked);
    },
    durationBins: (...asked: Parameters<typeof hasty.tallies.durationBins>) => {
      sums += 1;
      return hasty.tallies.durationBins(...asked);
    },
    durationsOfBins: hasty.tallies.durationsOfBins.bind(hasty.tallies),
  };
  const tallies = new ProbedTallies(counted, new HealthProbe(store), LATE_FOR_MS);
  const late = (work: Promise<unknown>) =>
    t.rejects(work, { name: StoreError.name, code: 'STORE_TIMEOUT', retryable: true });

  const beganMs = performance.now();
  await late(tallies.sumByRange('large', FAR_BACK, ALL));
  t.equal(sums, 1);
  await new HealthProbe(store).isUp(); // behind that of the tallies
  await late(tallies.sumByRange('large', FAR_BACK, ALL));
  await late(tallies.sumByRange('large', [{ from: NOW_MS - 365 * DAY_MS, until: NOW_MS }], ALL));
  await late(tallies.sumBySlot('large', [{ from: NOW_MS - 365 * DAY_MS, until: NOW_MS }], DAY_SLOTS, ALL));
  await late(tallies.sumByRange('large', FAR_BACK, ALL, { agent: ['a'] }));
  await late(tallies.sumBySlot('large', FAR_BACK, DAY_SLOTS, ALL, { agent: ['a'] }));
  await late(tallies.sumByCell('large', FAR_BACK, ALL, ['agent']));
  await late(tallies.durationBins('large', { from: NOW_MS - 365 * DAY_MS, until: NOW_MS }, ALL));
  if (performance.now() - beganMs < LATE_FOR_MS) t.equal(sums, 1, 'Mongo was asked once');

  t.strictSame(
    await tallies.sumByRange('large', LATELY, ALL),
    [{ calls: 10, durationMs: 10 }],
    'what is less',
  );
  t.strictSame(
    await tallies.sumByRange('other', LATELY, ALL),
    [{ calls: 10, durationMs: 10 }],
    'another user',
  );

  await new Promise((resolve) => setTimeout(resolve, LATE_FOR_MS));
  const before = sums;
  await late(tallies.sumByRange('large', FAR_BACK, ALL));
  t.equal(sums, before + 1, 'it is tried again after a while');

  const all = { from: NOW_MS - 365 * DAY_MS, until: NOW_MS };
  await late(tallies.durationsOfBins('other', all, MANY_BINS, ALL));
  await new HealthProbe(store).isUp();
  await late(tallies.durationBins('other', all, ALL));
  t.strictSame(
    await tallies.sumByRange('other', [all], ALL),
    [{ calls: ROWS, durationMs: ROWS }],
    'durations that were too slow refuse only durations',
  );
});

test('where only a sum that needs labels was too slow, others are still asked', async (t) => {
  const { address } = await testMongo(t);
  const store = openStore({
    uri: address,
    database: uniqueName('labels'),
    timeoutMs: 10_000,
    selectionTimeoutMs: 5_000,
  });
  t.teardown(() => store.close());
  await store.ensureIndexes();
  while (!(await new HealthProbe(store).isUp()));
  const tooSlow = async (): Promise<never> => {
    await new Promise((resolve) => setTimeout(resolve, 400));
    await new HealthProbe(store).isUp();
    throw new StoreError('STORE_TIMEOUT', true, new Error('too slow'));
  };
  let asked = 0;
  const counted = {
    sumByRange: async () => [{ calls: 1, durationMs: 1 }],
    sumBySlot: async () => [],
    sumByCell: () => {
      asked += 1;
      return tooSlow();
    },
    durationBins: tooSlow,
    durationsOfBins: tooSlow,
  };
  const tallies = new ProbedTallies(counted, new HealthProbe(store), LATE_FOR_MS);
  const late = (work: Promise<unknown>) => t.rejects(work, { code: 'STORE_TIMEOUT' });
  await late(tallies.sumByCell('u', LATELY, ALL));
  await late(tallies.sumByCell('u', LATELY, ALL));
  await late(tallies.sumByRange('u', LATELY, ALL, { status: ['failed'] }));
  await late(tallies.sumBySlot('u', LATELY, DAY_SLOTS, ALL, { status: ['failed'] }));
  t.equal(asked, 1);
  t.strictSame(await tallies.sumByRange('u', LATELY, ALL), [{ calls: 1, durationMs: 1 }]);
  t.strictSame(await tallies.sumBySlot('u', LATELY, DAY_SLOTS, ALL), []);
});
