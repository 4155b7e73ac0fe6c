import fc from 'fast-check';
import { test } from 'tap';
import { type Bound, isBackward, parseFrom, parseTo } from '../../src/replay/bound.ts';
import { planReplay } from '../../src/replay/plan.ts';
import type { PartitionView } from '../../src/topic-view.ts';

const none = { from: new Map<number, number>(), to: new Map<number, number>() };
const view = { partition: 0, earliest: 10, end: 100, stored: 79 };

test('what is asked for is cut to what the topic holds and what is stored, and the rest is named', (t) => {
  const plan = (from: Bound, to?: Bound, timed = none) => planReplay([view], from, to, timed);
  const at = (offset: number): Bound => ({ kind: 'offset', offset });
  t.strictSame(plan({ kind: 'earliest' }), [{ partition: 0, from: 10, until: 80 }]);
  t.strictSame(plan(at(30), at(40)), [{ partition: 0, from: 30, until: 40 }]);
  t.strictSame(plan(at(3), at(40)), [
    { partition: 0, from: 10, until: 40, gone: { from: 3, until: 10, surely: true } },
  ]);
  t.strictSame(plan(at(3), at(7)), [
    { partition: 0, from: 10, until: 10, gone: { from: 3, until: 7, surely: true } },
  ]);
  t.strictSame(plan(at(30), at(95)), [
    { partition: 0, from: 30, until: 80, notStored: { from: 80, until: 95 } },
  ]);
  t.strictSame(plan(at(90), at(95)), [
    { partition: 0, from: 80, until: 80, notStored: { from: 90, until: 95 } },
  ]);
  t.strictSame(plan({ kind: 'offsets', offsets: new Map([[1, 5]]) }), [], 'other partitions are not meant');
  const time: Bound = { kind: 'time', ms: 1, text: 'then' };
  t.strictSame(plan(time, undefined, { ...none, from: new Map([[0, 10]]) }), [
    { partition: 0, from: 10, until: 80, gone: { from: 0, until: 10, surely: false } },
  ]);
  t.strictSame(plan(time, undefined, { ...none, from: new Map([[0, 11]]) }), [
    { partition: 0, from: 11, until: 80 },
  ]);
  t.end();
});

test('whatever is asked for: within the topic, through `stored` at most, and beginning behind it at the latest', (t) => {
  const offset = fc.integer({ min: 0, max: 60 });
  const bound: fc.Arbitrary<Bound> = fc.oneof(
    fc.constant<Bound>({ kind: 'earliest' }),
    offset.map((one): Bound => ({ kind: 'offset', offset: one })),
    offset.map((one): Bound => ({ kind: 'offsets', offsets: new Map([[0, one]]) })),
    fc.constant<Bound>({ kind: 'time', ms: 0, text: 'then' }),
  );
  const views = fc.tuple(offset, offset, offset).map(([earliest, more, stored]): PartitionView => {
    const end = earliest + more;
    return { partition: 0, earliest, end, stored: Math.min(stored, end) - 1 };
  });
  const timed = fc.record({
    from: offset.map((one) => new Map([[0, one]])),
    to: offset.map((one) => new Map([[0, one]])),
  });
  fc.assert(
    fc.property(views, bound, fc.option(bound, { nil: undefined }), timed, (one, from, to, offsets) => {
      const [plan] = planReplay([one], from, to, offsets);
      return (
        plan!.from >= one.earliest &&
        plan!.from <= plan!.until &&
        (plan!.from <= one.stored + 1 || plan!.from === plan!.until) &&
        (plan!.until <= one.stored + 1 || plan!.from === plan!.until)
      );
    }),
    { numRuns: 2_000 },
  );
  t.end();
});

test('bounds are read as they are meant', (t) => {
  t.strictSame(parseFrom('earliest'), { kind: 'earliest' });
  t.strictSame(parseTo('1500'), { kind: 'offset', offset: 1500 });
  t.strictSame(parseTo('0:1500,3:20'), {
    kind: 'offsets',
    offsets: new Map([
      [0, 1500],
      [3, 20],
    ]),
  });
  t.match(parseTo('2026-03-01'), { kind: 'time', ms: Date.UTC(2026, 2, 1) });
  t.match(parseTo('2026-03-01T02:00:00+02:00'), { kind: 'time', ms: Date.UTC(2026, 2, 1) });
  t.match(parseTo('1969-12-31T23:59:59.999Z'), { kind: 'time', ms: 0 });
  for (const text of ['', 'soon', '0:1,0:2', '-1', '1:2:3', '1:', '1500.5'])
    t.throws(() => parseTo(text), text);
  t.throws(() => parseTo('earliest'), 'an end is none');
  t.end();
});

test('an end that is not after its beginning is seen whatever the topic holds', (t) => {
  const backward = (from: string, to: string) => isBackward(parseFrom(from), parseTo(to));
  for (const [from, to] of [
    ['2026-03-02', '2026-03-01'],
    ['2026-03-02', '2026-03-02'],
    ['20', '10'],
    ['20', '20'],
    ['0:20', '0:10'],
    ['0:5,1:9', '8'],
    ['8', '0:9,1:8'],
  ] as const) {
    t.ok(backward(from, to), `${from} to ${to}`);
  }
  for (const [from, to] of [
    ['earliest', '0'],
    ['2026-03-01', '2026-03-02'],
    ['2026-03-01', '5'],
    ['5', '2026-03-01'],
    ['0:20', '1:10'],
    ['0:5,1:7', '8'],
  ] as const) {
    t.notOk(backward(from, to), `${from} to ${to}`);
  }
  t.end();
});
