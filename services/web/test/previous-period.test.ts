import { DAY_MS, dayOf, firstDayOfMonth, monthOf, parseDateRange, startOfDay } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import { type Choice, daysOf } from '../src/choice.ts';
import {
  datesOfPrevious,
  isKnown,
  nameOfPrevious,
  previousOf,
  queryOfPrevious,
  spanOfDays,
} from '../src/previous-period.ts';
import { choiceAt, nowMs } from './arbitraries.ts';

const at = (text: string) => Date.parse(text);

test('of a range of days: as many days before, and as far into them as the range has run', async () => {
  fc.assert(
    fc.property(choiceAt, ({ nowMs, choice }) => {
      if (choice.kind === 'month') return true;
      const today = dayOf(nowMs);
      const { first, last } = daysOf(choice, today);
      const { from, until } = previousOf(choice, nowMs);
      const backMs = (last - first + 1) * DAY_MS;
      const end = last >= today ? nowMs : startOfDay(last + 1);
      return from === startOfDay(first) - backMs && until === end - backMs && until <= startOfDay(first);
    }),
  );
});

test('of a month: the month before, as long as this one has run, and never beyond its end', async () => {
  fc.assert(
    fc.property(nowMs, (nowMs) => {
      const month = monthOf(dayOf(nowMs));
      const begun = startOfDay(firstDayOfMonth(month));
      const { from, until } = previousOf({ kind: 'month' }, nowMs);
      const full = until === begun;
      return (
        from === startOfDay(firstDayOfMonth(month - 1)) &&
        (full ? nowMs - begun >= until - from : until - from === nowMs - begun)
      );
    }),
  );
});

test('the API parses its query as the same period', async (t) => {
  fc.assert(
    fc.property(choiceAt, ({ nowMs, choice }) => {
      const period = previousOf(choice, nowMs);
      const query = queryOfPrevious(period);
      if (query === undefined) return period.until <= period.from;
      const { from, until } = parseDateRange(query, nowMs);
      return from === period.from && until === period.until;
    }),
  );
  const second = { from: at('2026-11-23T00:00:00Z'), until: at('2026-11-23T12:00:00.001Z') };
  t.same(
    queryOfPrevious(second),
    { start_date: '2026-11-23', end_date: '2026-11-23T12:00:00.000001' },
    'and not all of a second',
  );
});

test('examples, and their names', async (t) => {
  const now = at('2026-11-24T12:03:00Z');
  const today = dayOf(now);
  const said = (choice: Choice, nowMs = now) => [
    nameOfPrevious(choice, dayOf(nowMs)),
    datesOfPrevious(previousOf(choice, nowMs), 'UTC'),
  ];
  t.same(said({ kind: 'today' }), ['yesterday', '23 Nov 2026 until 12:03 UTC']);
  t.same(said({ kind: '7d' }), ['7 days before', '11 Nov – 17 Nov 2026 until 12:03 UTC']);
  t.same(said({ kind: 'month' }), ['last month', '1 Oct – 24 Oct 2026 until 12:03 UTC']);
  t.same(said({ kind: 'month' }, at('2026-03-30T12:00:00Z')), ['last month', '1 Feb – 28 Feb 2026']);
  t.same(said({ kind: 'custom', first: today - 9, last: today - 5 }), [
    '5 days before',
    '10 Nov – 14 Nov 2026',
  ]);
  t.same(said({ kind: 'custom', first: today - 5, last: today - 5 }), ['the day before', '18 Nov 2026']);
  t.same(said({ kind: 'custom', first: today - 1, last: today }), [
    '2 days before',
    '21 Nov – 22 Nov 2026 until 12:03 UTC',
  ]);
  t.equal(
    datesOfPrevious(previousOf({ kind: 'today' }, now), 'Europe/Berlin'),
    '23 Nov 2026 until 12:03',
    'the time of the zone',
  );
  const first = dayOf(at('2000-01-01T00:00:00Z'));
  t.ok(isKnown(previousOf({ kind: 'custom', first: first + 10, last: first + 19 }, now)));
  t.notOk(
    isKnown(previousOf({ kind: 'custom', first: first + 9, last: first + 18 }, now)),
    'before all calls',
  );
  const newYear = dayOf(at('2026-01-01T00:00:00Z'));
  t.equal(spanOfDays(newYear - 1, newYear), '31 Dec 2025 – 1 Jan 2026');
});
