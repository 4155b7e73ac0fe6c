import { test } from 'tap';
import { Truth } from '../../../src/figures/whale/service.ts';

const DAY_MS = 86_400_000;

/** The checked part of an answer's body. */
function body(startDate: string, calls: number, minutes: number): string {
  const date_range = { start_date: startDate, end_date: '2026-03-02T12:00:00Z' };
  return JSON.stringify({ data: { date_range, total_calls: calls, total_duration_minutes: minutes } });
}

test('an answer is checked against all calls from the first day of its range on', (t) => {
  const truth = new Truth();
  const today = Date.parse('2026-03-02T00:00:00Z');
  for (const startedAt of [today - DAY_MS - 1, today - 1, today, today + 5]) {
    truth.add({ startedAt, durationMs: 61_000 });
  }
  truth.check(body('2026-02-28T00:00:00Z', 4, 4.07));
  truth.check(body('2026-03-01T00:00:00Z', 3, 3.05));
  truth.check(body('2026-03-02T00:00:00Z', 2, 2.03));
  truth.check(body('2026-03-03T00:00:00Z', 0, 0));
  t.throws(() => truth.check(body('2026-03-01T00:00:00Z', 4, 3.05)), {
    message: 'since 2026-03-01T00:00:00Z 3 calls of 3.05 minutes, answered with 4 of 3.05',
  });
  t.throws(() => truth.check(body('2026-03-01T00:00:00Z', 3, 3.06)), /answered with 3 of 3.06/);
  t.end();
});
