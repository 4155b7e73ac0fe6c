import { strict as assert } from 'node:assert';
import { addPieces, type FillProgress, firstDayOfWrittenDetail, readFillStatuses } from '@calltally/counters';
import { type Call, INTERVALS, type Range, seriesOf } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import { type AnswerSource, recordBatch, reopen, userDaySumsOf } from '../src/index.ts';
import { readingWorld, SPAN_DAYS, startOf } from './reading-world.ts';
import { batchOf, callOf, DAY_MS, dashboardOracle, holds, seriesOracle } from './support.ts';

test('a user who is filled from any time on is answered right: what lies before it comes from rows', async (t) => {
  const { ledger, store, offsets, filler, reader, series } = await readingWorld(t);
  // Nobody but the test fills.
  filler.stop();
  const nowMs = Date.now();
  const someTime = fc.oneof(
    fc.integer({ min: nowMs - SPAN_DAYS * DAY_MS, max: nowMs }),
    fc
      .tuple(fc.integer({ min: 0, max: SPAN_DAYS }), fc.constantFrom(-1, 0, 1))
      .map(([ago, off]) => startOf(nowMs - ago * DAY_MS) + off),
  );
  const someSince = fc.oneof(
    someTime,
    // At and near the border of the default window.
    fc.integer({ min: -2, max: 2 }).map((off) => startOf(nowMs) - 30 * DAY_MS + off),
    // Just behind a call, whose day is then complete except for it.
    fc.record({ behind: fc.nat() }),
    fc.record({ behind: fc.nat() }),
    fc.constant(Infinity),
    fc.constant(-Infinity),
  );
  const someRange = fc.oneof(
    fc.constant('window' as const),
    fc
      .tuple(someTime, someTime)
      .map(([a, b]): Range => ({ from: Math.min(a, b), until: Math.max(a, b) + 1 })),
    // Whole days.
    fc
      .tuple(someTime, fc.integer({ min: 1, max: 90 }))
      .map(([from, days]): Range => ({ from: startOf(from), until: startOf(from) + days * DAY_MS })),
    // On both sides of since.
    fc
      .tuple(fc.integer({ min: 1, max: 40 * DAY_MS }), fc.integer({ min: 1, max: 40 * DAY_MS }))
      .map((around) => ({ around })),
    fc.constant<Range>({ from: nowMs - 400 * DAY_MS, until: nowMs + 30 * DAY_MS }),
  );
  const someCall = fc.record({
    startedAt: fc.oneof(someTime, fc.constant(nowMs + 120_000)),
    durationMs: fc.nat(1_000_000),
  });
  const seen = new Map<string, number>();
  let run = 0;
  const property = fc.asyncProperty(
    fc.array(someCall, { maxLength: 20 }),
    fc.array(someCall, { maxLength: 6 }),
    someSince,
    fc.array(
      fc.record({
        asked: someRange,
        clock: fc.oneof(fc.constant(nowMs), fc.integer({ min: nowMs - 2 * DAY_MS, max: nowMs + DAY_MS })),
        interval: fc.constantFrom(...INTERVALS),
      }),
      { minLength: 2, maxLength: 6 },
    ),
    async (before, after, someTimeOrCall, reads) => {
      run += 1;
      const userId = `u-half-${run}`;
      const calls: Call[] = before.map((call) => callOf(userId, call));
      let since = -Infinity;
      if (typeof someTimeOrCall === 'number') since = someTimeOrCall;
      else if (calls.length > 0) since = calls[someTimeOrCall.behind % calls.length]!.startedAt + 1;
      const events = calls.map((call) => ({ offset: offsets[0]!++, call }));
      if (events.length > 0) await recordBatch(ledger, batchOf(0, events));
      await reopen(ledger, [userId]);
      if (since !== Infinity) {
        const [filling] = (await readFillStatuses(ledger.session, ledger.generations, [userId])) as [
          FillProgress,
        ];
        const rows = await store.tallies.sumByDayAndPartition([userId], filling.base, {
          range: { from: since, until: Infinity },
          detailFrom: firstDayOfWrittenDetail(Date.now()),
        });
        const [sums] = userDaySumsOf([userId], rows);
        const piece = { filling, sums: sums!, fromMs: since };
        assert.deepEqual(await addPieces(ledger.session, ledger.generations, [piece]), [true]);
      }
      for (const call of after) {
        calls.push(callOf(userId, call));
        await recordBatch(ledger, batchOf(1, [{ offset: offsets[1]!++, call: calls.at(-1)! }]));
      }
      for (const { asked, clock, interval } of reads) {
        let range: Range;
        if (asked === 'window') range = { from: startOf(clock) - 30 * DAY_MS, until: clock + 1 };
        else if ('around' in asked) {
          const middle = Number.isFinite(since) ? since : nowMs;
          range = { from: middle - asked.around[0]!, until: middle + asked.around[1]! };
        } else range = asked;
        const { source, asOfMs, ...tallies } = await reader.read(userId, range, clock);
        assert.deepEqual(tallies, dashboardOracle(calls, range, clock));
        const told = await series.read(userId, range, seriesOf(range, interval), clock);
        assert.deepEqual(told.tallies, seriesOracle(calls, range, interval));
        const kind = since === Infinity ? 'open' : since === -Infinity ? 'complete' : 'in part';
        for (const what of [`dashboard, ${kind}: ${source}`, `series, ${kind}: ${told.source}`]) {
          seen.set(what, (seen.get(what) ?? 0) + 1);
        }
      }
    },
  );
  await holds(t, property, 60);
  t.comment([...seen].sort());
  for (const what of ['dashboard', 'series']) {
    for (const source of ['counters', 'counters+mongo'] satisfies AnswerSource[]) {
      t.ok(seen.has(`${what}, in part: ${source}`), `${what}, in part: from ${source}`);
    }
  }
  t.ok(seen.has('dashboard, in part: mongo'), 'dashboards whose window is not complete');
  t.equal(seen.get('dashboard, open: counters'), undefined, 'who has nothing yet');
  t.equal(seen.get('series, open: counters'), undefined);
});
