import {
  dayOf,
  firstDayOfMonth,
  type Interval,
  monthOf,
  parseDateRange,
  seriesOf,
  startOfDay,
} from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import {
  addressOf,
  type Choice,
  chartedOf,
  choiceOfAddress,
  daysOf,
  intervalOf,
  queryOf,
  readDates,
} from '../src/choice.ts';
import { dateOfDay } from '../src/days.ts';
import { choiceAt, nowMs } from './arbitraries.ts';

test('named ranges have as many days as they say, up to today', async () => {
  fc.assert(
    fc.property(nowMs, (nowMs) => {
      const today = dayOf(nowMs);
      const lengthOf = (kind: 'today' | '7d' | '30d') => {
        const { first, last } = daysOf({ kind }, today);
        return last === today ? last - first + 1 : Number.NaN;
      };
      const month = daysOf({ kind: 'month' }, today);
      return (
        lengthOf('today') === 1 &&
        lengthOf('7d') === 7 &&
        lengthOf('30d') === 30 &&
        month.first === firstDayOfMonth(monthOf(today)) &&
        month.last === today
      );
    }),
  );
});

test('the API parses a query as the same days, and a named range as ending now', async () => {
  fc.assert(
    fc.property(choiceAt, ({ nowMs, choice }) => {
      const today = dayOf(nowMs);
      const { first, last } = daysOf(choice, today);
      const range = parseDateRange(queryOf(choice, today), nowMs);
      const until = choice.kind === 'custom' ? startOfDay(last + 1) : nowMs + 1;
      return range.from === startOfDay(first) && range.until === until;
    }),
  );
});

test('the chart of a single day begins six days before it, any other with its range', async (t) => {
  t.same(chartedOf({ first: 20_000, last: 20_000 }, 'day'), { first: 19_994, last: 20_000 });
  t.same(chartedOf({ first: 19_999, last: 20_000 }, 'day'), { first: 19_999, last: 20_000 });
  t.same(
    chartedOf({ first: 20_000, last: 20_000 }, 'hour'),
    { first: 20_000, last: 20_000 },
    'but by hour not',
  );
  t.match(queryOf({ kind: 'today' }, 20_000, 19_994), { start_date: '2024-09-28', end_date: undefined });
});

test('no range has more bars than the API gives or a screen shows', async () => {
  fc.assert(
    fc.property(choiceAt, ({ nowMs, choice }) => {
      const today = dayOf(nowMs);
      const days = daysOf(choice, today);
      const range = { from: startOfDay(days.first), until: startOfDay(days.last + 1) };
      // Throws if there are too many. Four hundred months are a third of a century.
      return seriesOf(range, intervalOf(days, false) as Interval).buckets <= 400;
    }),
  );
});

test('a week has hours, if they are wanted, and a longer range has none', async (t) => {
  t.equal(intervalOf({ first: 20_000, last: 20_006 }, true), 'hour');
  t.equal(intervalOf({ first: 20_000, last: 20_007 }, true), 'day');
  t.equal(intervalOf({ first: 20_000, last: 20_000 }, false), 'day');
});

test('an address keeps a choice', async (t) => {
  fc.assert(
    fc.property(choiceAt, ({ choice }) => {
      const kept = choiceOfAddress(addressOf(choice));
      return JSON.stringify(kept) === JSON.stringify(choice);
    }),
  );
  for (const search of [
    '',
    '?range=year',
    '?start=2026-03-02&end=2026-03-01',
    '?start=2026-03-01',
    '?start=1999-12-31&end=2026-01-01',
  ]) {
    t.equal(choiceOfAddress(search), undefined, search);
  }
});

test('dates are accepted, or refused with the field and the reason', async (t) => {
  const today = dayOf(Date.parse('2026-11-24T12:00:00Z'));
  const refusal = (start: string, end: string) => {
    const read = readDates(start, end, today, 'UTC');
    return 'field' in read ? [read.field, read.message] : undefined;
  };
  const date = (day: number) => dateOfDay(day);
  const taken: Choice = { kind: 'custom', first: today - 3, last: today };
  t.same(readDates(date(today - 3), date(today), today, 'UTC'), taken);
  t.match(refusal('', '2026-03-01'), ['start', /first day/]);
  t.match(refusal('2026-03-01', ''), ['end', /last day/]);
  t.match(refusal('1999-12-31', '2026-03-01'), ['start', /2000/]);
  t.match(refusal(date(today + 1), date(today + 2)), ['start', /in the future/]);
  t.match(refusal('2026-03-01', date(today + 1)), ['end', /in the future/]);
  t.match(refusal('2026-03-02', '2026-03-01'), ['end', /before the first/]);
  t.match(readDates(date(today), date(today + 1), today, 'America/New_York'), {
    message: /days are of America\/New York/,
  });
});
