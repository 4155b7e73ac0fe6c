import { dashboardWindows, defaultWindowDays } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';

const at = (text: string) => Date.parse(text);
const shown = (nowText: string) =>
  Object.fromEntries(
    Object.entries(dashboardWindows(at(nowText))).map(([name, { from, until }]) => [
      name,
      [from, until].map((ms) => new Date(ms).toISOString().slice(0, 10)),
    ]),
  );

test('day, ISO week and month that hold now, each up to the start of the next', async (t) => {
  t.same(shown('2026-03-28T23:59:59.999Z'), {
    today: ['2026-03-28', '2026-03-29'],
    thisWeek: ['2026-03-23', '2026-03-30'],
    thisMonth: ['2026-03-01', '2026-04-01'],
  });
  t.same(shown('2021-01-03T00:00:00Z'), {
    today: ['2021-01-03', '2021-01-04'],
    thisWeek: ['2020-12-28', '2021-01-04'],
    thisMonth: ['2021-01-01', '2021-02-01'],
  });
  t.same(shown('2024-02-29T12:00:00Z'), {
    today: ['2024-02-29', '2024-03-01'],
    thisWeek: ['2024-02-26', '2024-03-04'],
    thisMonth: ['2024-02-01', '2024-03-01'],
  });
  t.equal(defaultWindowDays, 31);
});

test('now lies in each of its windows', async () => {
  fc.assert(
    fc.property(fc.integer({ min: at('0001-01-08T00:00:00Z'), max: at('9999-12-01T00:00:00Z') }), (nowMs) =>
      Object.values(dashboardWindows(nowMs)).every(({ from, until }) => from <= nowMs && nowMs < until),
    ),
  );
});
