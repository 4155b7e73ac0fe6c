import { strict as assert } from 'node:assert';
import {
  type Call,
  type CallVersion,
  type CellFilter,
  type DurationDistribution,
  HISTOGRAM_SECONDS,
  isDeleted,
  type Range,
} from '@calltally/domain';
import { openStore, toRow } from '@calltally/store';
import fc from 'fast-check';
import { test } from 'tap';
import { DurationsReader, fallbackLimit, recordBatch } from '../src/index.ts';
import { readArbitraries, readingWorld } from './reading-world.ts';
import { batchOf, bound, callOf, DAY_MS, holds, testReader, until } from './support.ts';

const NOW = Date.now();
const EVER: Range = { from: NOW - 400 * DAY_MS, until: NOW + 400 * DAY_MS };

/** From the plain calls, by sorting. */
function durationsOracle(calls: readonly Call[], { from, until }: Range = EVER): DurationDistribution {
  const sorted = calls
    .filter(({ startedAt }) => startedAt >= from && startedAt < until)
    .map(({ durationMs }) => durationMs)
    .sort((a, b) => a - b);
  const at = (percent: number) => sorted[Math.ceil((percent * sorted.length) / 100) - 1]!;
  return {
    calls: sorted.length,
    durationMs: sorted.reduce((sum, one) => sum + one, 0),
    quantiles:
      sorted.length === 0
        ? undefined
        : { min: sorted[0]!, p50: at(50), p90: at(90), p95: at(95), p99: at(99), max: sorted.at(-1)! },
    histogram: HISTOGRAM_SECONDS.map(
      (seconds, i) =>
        sorted.filter((one) => one >= seconds * 1_000 && one < (HISTOGRAM_SECONDS[i + 1] ?? Infinity) * 1_000)
          .length,
    ),
  };
}

test('reading durations', async (t) => {
  const { world, ledger, store, offsets, count, reader, durations, rowsAsOf, fallbacks } =
    await readingWorld(t);
  const record = (partition: 0 | 1, calls: readonly CallVersion[]) => {
    const events = calls.map((call) => ({ offset: offsets[partition]!++, call }));
    return recordBatch(ledger, batchOf(partition, events));
  };
  /** The distribution alone, which must come from rows. */
  const read = async (userId: string, range = EVER, filter: CellFilter = {}, from = durations) => {
    const { source, asOfMs: _, ...distribution } = await from.read(userId, range, filter, NOW);
    assert.equal(source, 'mongo');
    return distribution;
  };
  /** A reader over rows that something is done to before each second pass. */
  const spoiled = (spoil: () => Promise<unknown>) =>
    new DurationsReader({
      dashboards: reader,
      rowsAsOf,
      fallbacks,
      store: {
        tallies: bound(store.tallies, {
          async durationsOfBins(...of) {
            await spoil();
            return store.tallies.durationsOfBins(...of);
          },
        }),
      },
    });
  const onlyInMongo = (userId: string, more: Partial<Call>) => {
    const source = { stream: 0, partition: 0, offset: offsets[0]! + 1_000 };
    return store.calls.insert([toRow(callOf(userId, more), source)]);
  };

  await t.test('any calls, range and filter: as sorted, and as many as the dashboard tells', async (t) => {
    const { someTime } = readArbitraries(NOW);
    const someCall = fc.record(
      {
        startedAt: someTime,
        durationMs: fc.oneof(fc.nat(5_000), fc.nat(604_800_000)),
        agentId: fc.constantFrom('a', 'b', 'c'),
      },
      { requiredKeys: ['startedAt', 'durationMs'] },
    );
    const someFilter = fc.constantFrom<CellFilter>({}, { agent: ['a', 'c'] }, { agent: ['', 'b'] });
    let run = 0;
    const property = fc.asyncProperty(
      fc.array(someCall, { maxLength: 30 }),
      fc.tuple(someTime, someTime),
      someFilter,
      async (given, [one, other], filter) => {
        run += 1;
        const userId = `u-any-${run}`;
        const calls = given.map((call) => callOf(userId, call));
        await count(calls);
        const range = { from: Math.min(one, other), until: Math.max(one, other) + 1 };
        const passing = calls.filter(({ agentId = '' }) => (filter.agent ?? [agentId]).includes(agentId));
        assert.deepEqual(await read(userId, range, filter), durationsOracle(passing, range));
        const { calls: told, durationMs } = await read(userId, range);
        assert.deepEqual((await reader.read(userId, range, NOW)).range, { calls: told, durationMs });
      },
    );
    await holds(t, property, 60);
  });

  await t.test('an answer is of one moment while one call after the other is counted', async (t) => {
    const calls = Array.from({ length: 150 }, (_, i) =>
      callOf('u-live', { startedAt: NOW - i, durationMs: 60_000 + ((i * 7) % 40) }),
    );
    await record(0, calls.slice(0, 1));
    let isWriting = true;
    const writing = (async () => {
      for (const call of calls.slice(1)) await record(0, [call]);
      isWriting = false;
    })();
    const sizes = new Set<number>();
    while (isWriting) {
      const found = await read('u-live');
      assert.deepEqual(found, durationsOracle(calls.slice(0, found.calls)));
      sizes.add(found.calls);
    }
    await writing;
    t.ok(sizes.size > 3, `${sizes.size} different answers`);
    t.strictSame(await read('u-live'), durationsOracle(calls));
  });

  await t.test(
    'rows that come between the passes, each time: those stored at one moment count',
    async (t) => {
      const calls = [1_000, 1_200, 1_800].map((durationMs) => callOf('u-late', { durationMs }));
      await count(calls);
      let passes = 0;
      const late = spoiled(async () => {
        passes += 1;
        await onlyInMongo('u-late', { durationMs: 1_500 });
      });
      t.strictSame(await read('u-late', EVER, {}, late), durationsOracle(calls));
      t.equal(passes, 3);
      t.equal((await read('u-late')).calls, 6);
    },
  );

  await t.test('rows that come between the passes where no quantile is spoil nothing', async (t) => {
    const calls = [1_000, 1_200, 9_900].map((durationMs) => callOf('u-far', { durationMs }));
    await count(calls);
    let passes = 0;
    const late = spoiled(async () => {
      passes += 1;
      await onlyInMongo('u-far', { durationMs: 5_000 });
    });
    t.strictSame(await read('u-far', EVER, {}, late), durationsOracle(calls));
    t.equal(passes, 1);
  });

  await t.test('rows that vanish each time, as of a user who is erased, give no answer', async (t) => {
    const calls = Array.from({ length: 9 }, () => callOf('u-erased'));
    await count(calls);
    const vanishing = spoiled(() => world.db.collection('calls').deleteOne({ user_id: 'u-erased' }));
    const unavailable = { name: 'LedgerError', code: 'LEDGER_UNAVAILABLE', retryable: true };
    await t.rejects(read('u-erased', EVER, {}, vanishing), unavailable);
  });

  await t.test('more calls than can be read are refused before rows are asked', async (t) => {
    await count(Array.from({ length: 4 }, () => callOf('u-many', { startedAt: NOW })));
    const rows = { durationBins: () => assert.fail(), durationsOfBins: () => assert.fail() };
    const limited = new DurationsReader(
      { dashboards: reader, rowsAsOf, fallbacks, store: { tallies: rows } },
      3,
    );
    const refused = { name: 'TooManyCallsError', calls: 4 };
    await t.rejects(limited.read('u-many', EVER, {}, NOW), refused);
    await t.rejects(limited.read('u-many', EVER, { agent: ['none'] }, NOW), refused);
    const allowed = new DurationsReader({ dashboards: reader, rowsAsOf, fallbacks, store }, 4);
    t.equal((await read('u-many', EVER, {}, allowed)).calls, 4);
  });

  await t.test('beyond the limit of answers from rows: LEDGER_OVERLOADED', async (t) => {
    await count([callOf('u-crowd')]);
    const crowded = new DurationsReader({ dashboards: reader, rowsAsOf, store, fallbacks: fallbackLimit(0) });
    await t.rejects(crowded.read('u-crowd', EVER, {}, NOW), { code: 'LEDGER_OVERLOADED' });
  });

  await t.test('corrected and deleted calls count by their last version', async (t) => {
    const first = callOf('u-first');
    await record(0, [first, { ...first, revision: 1 }]);
    await until(
      () => rowsAsOf.state(),
      ({ hasCorrections }) => hasCorrections,
    );
    let run = 0;
    const version = fc.record({
      call: fc.nat(5),
      deleted: fc.integer({ min: 0, max: 4 }).map((die) => die === 0),
      durationMs: fc.oneof(fc.nat(3_000), fc.nat(90_000)),
      partition: fc.constantFrom(0 as const, 1 as const),
    });
    const property = fc.asyncProperty(fc.array(version, { minLength: 2, maxLength: 20 }), async (given) => {
      run += 1;
      const userId = `u-corrected-${run}`;
      const last = new Map<string, CallVersion>();
      for (const [revision, { call, deleted, durationMs, partition }] of given.entries()) {
        const id = { callId: `c-${run}-${call}`, userId, revision };
        const said: CallVersion =
          deleted && revision > 0 ? { ...id, deleted } : { ...id, startedAt: NOW, durationMs };
        await record(partition, [said]);
        last.set(said.callId, said);
      }
      const counted = [...last.values()].filter((one): one is Call => !isDeleted(one));
      assert.deepEqual(await read(userId), durationsOracle(counted));
    });
    await holds(t, property, 60);
  });

  await t.test('Redis gone: still answered; Mongo gone: LEDGER_UNAVAILABLE', async (t) => {
    const calls = [callOf('u-gone', { durationMs: 7 })];
    await count(calls);
    const uri = 'mongodb://127.0.0.1:1';
    const nowhere = openStore({ uri, database: 'none', timeoutMs: 300, selectionTimeoutMs: 200 });
    t.teardown(() => nowhere.close());
    const { durations } = await testReader(t, world, nowhere);
    const unavailable = { name: 'LedgerError', code: 'LEDGER_UNAVAILABLE', retryable: true };
    await t.rejects(durations.read('u-gone', EVER, {}, NOW), unavailable);
    await world.redis.stop();
    t.strictSame(await read('u-gone'), durationsOracle(calls));
  });
});
