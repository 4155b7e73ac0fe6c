import { checkCallEvent } from '@calltally/contract';
import fc from 'fast-check';
import { test } from 'tap';
import { demoCallsBetween, demoCallsOfDay, liveDemoCall } from '../../src/demo/calls.ts';

const DAY_MS = 86_400_000;
const now = Date.parse('2026-03-28T15:30:00Z');
/** Days of the years 2020 to 2037. */
const days = fc.integer({ min: 18_262, max: 24_836 });
const instants = fc.integer({ min: 18_262 * DAY_MS, max: 24_836 * DAY_MS });

test('every demo call is a valid event, and its length fits its end', async () => {
  fc.assert(
    fc.property(days, (day) => {
      for (const { event, endedAtMs } of demoCallsOfDay(day)) {
        const { call } = checkCallEvent(event, endedAtMs);
        if (call === undefined || 'deleted' in call || call.startedAt + call.durationMs !== endedAtMs)
          return false;
        if (Math.floor(call.startedAt / DAY_MS) !== day) return false;
      }
      return true;
    }),
  );
});

test('every run gives the same calls with the same ids, and no id twice', async () => {
  fc.assert(
    fc.property(days, (day) => {
      const calls = demoCallsOfDay(day);
      const ids = calls.map(({ event }) => event.call_id);
      const date = new Date(day * DAY_MS).toISOString().slice(0, 10);
      return (
        JSON.stringify(demoCallsOfDay(day)) === JSON.stringify(calls) &&
        new Set(ids).size === ids.length &&
        ids.every((id, n) => id === `demo-${date}-${String(n + 1).padStart(4, '0')}`)
      );
    }),
  );
});

test('no call ends in the future, and the next start publishes none of them again', async () => {
  fc.assert(
    fc.property(instants, fc.nat(5 * DAY_MS), fc.nat(5 * DAY_MS), (from, first, second) => {
      const middle = from + first;
      const until = middle + second;
      const calls = demoCallsBetween(from, until);
      const inTwo = [...demoCallsBetween(from, middle), ...demoCallsBetween(middle, until)];
      return (
        calls.every(({ endedAtMs }) => endedAtMs > from && endedAtMs <= until) &&
        JSON.stringify(calls) === JSON.stringify(inTwo)
      );
    }),
    { numRuns: 30 },
  );
});

test('90 days look like an office: thousands of calls of every kind, few on Sundays', async (t) => {
  const events = demoCallsBetween(now - 90 * DAY_MS, now).map(({ event }) => event);
  t.ok(events.length > 2000 && events.length < 5000, `${events.length} calls`);
  const onWeekday = (weekday: number) =>
    events.filter(({ started_at }) => new Date(started_at).getUTCDay() === weekday).length;
  t.ok(onWeekday(0) * 3 < onWeekday(2));
  for (const status of ['completed', 'no_answer', 'voicemail', 'busy', 'failed', 'canceled']) {
    t.ok(
      events.some((event) => event.status === status),
      status,
    );
  }
  for (const direction of ['inbound', 'outbound', 'web']) {
    t.ok(
      events.some((event) => event.direction === direction),
      direction,
    );
  }
});

test('a live call has just ended, and its id differs in each second', async () => {
  fc.assert(
    fc.property(instants, (endedAtMs) => {
      const { event } = liveDemoCall(endedAtMs);
      const { call } = checkCallEvent(event, endedAtMs);
      return (
        call !== undefined &&
        !('deleted' in call) &&
        call.startedAt + call.durationMs === endedAtMs &&
        event.call_id !== liveDemoCall(endedAtMs + 1000).event.call_id
      );
    }),
  );
});
