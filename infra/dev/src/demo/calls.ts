import type { CompletedCallEvent } from '@calltally/contract';
import { pick, seededRandom, type Weights } from './random.ts';

export const DEMO_USER = 'demo';

/** A call of the demo user, and when it ended (Unix ms). */
export interface DemoCall {
  event: CompletedCallEvent & { duration_seconds: number };
  endedAtMs: number;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** From Sunday, as in `Date.getUTCDay`. */
const CALLS_OF_WEEKDAY = [7, 52, 48, 46, 47, 40, 12];
/** How busy each UTC hour is, for an office with a lunch break and a few calls at night. */
const HOURS: Weights<number> = [
  1, 0.5, 0.5, 0.5, 0.5, 1, 3, 8, 18, 26, 30, 24, 14, 18, 27, 29, 22, 14, 8, 6, 5, 4, 3, 2,
].map((weight, hour) => [hour, weight] as const);
const STATUSES: Weights<NonNullable<CompletedCallEvent['status']>> = [
  ['completed', 83],
  ['no_answer', 7],
  ['voicemail', 5],
  ['busy', 3],
  ['failed', 1],
  ['canceled', 1],
];
const DIRECTIONS: Weights<NonNullable<CompletedCallEvent['direction']>> = [
  ['inbound', 58],
  ['outbound', 34],
  ['web', 8],
];
const AGENTS: Weights<string> = [
  ['ada', 5],
  ['grace', 4],
  ['katherine', 3],
  ['voice-agent-1', 6],
];
const LONGEST_SECONDS = 7_200;

/** The calls that ended after `fromMs` and not after `untilMs` (Unix ms), sorted by end. The same on every call. */
export function demoCallsBetween(fromMs: number, untilMs: number): DemoCall[] {
  const calls: DemoCall[] = [];
  // A call may end on the day after it began.
  for (let day = Math.floor(fromMs / DAY_MS) - 1; day <= Math.floor(untilMs / DAY_MS); day++) {
    calls.push(...demoCallsOfDay(day));
  }
  return calls
    .filter(({ endedAtMs }) => endedAtMs > fromMs && endedAtMs <= untilMs)
    .sort((a, b) => a.endedAtMs - b.endedAtMs);
}

/** All calls that start on a UTC day (days since 1970-01-01). */
export function demoCallsOfDay(day: number): DemoCall[] {
  const date = new Date(day * DAY_MS);
  const name = date.toISOString().slice(0, 10);
  const random = seededRandom(`demo ${name}`);
  const usual = CALLS_OF_WEEKDAY[date.getUTCDay()]!;
  const count = Math.round(usual * (0.75 + random() / 2));
  const starts = Array.from({ length: count }, () => {
    const inHourMs = Math.floor(random() * 3600) * 1000;
    return day * DAY_MS + pick(random, HOURS) * HOUR_MS + inHourMs;
  }).sort((a, b) => a - b);
  return starts.map((startedAtMs, n) =>
    demoCall(`${DEMO_USER}-${name}-${String(n + 1).padStart(4, '0')}`, startedAtMs, random),
  );
}

/** A call that has just ended. Its id names the second in which it ended. */
export function liveDemoCall(endedAtMs: number): DemoCall {
  const second = new Date(endedAtMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
  const id = `${DEMO_USER}-live-${second}Z`;
  const { event, endedAtMs: end } = demoCall(id, 0, seededRandom(id));
  return { event: { ...event, started_at: new Date(endedAtMs - end).toISOString() }, endedAtMs };
}

function demoCall(callId: string, startedAtMs: number, random: () => number): DemoCall {
  const status = pick(random, STATUSES);
  const seconds = secondsOf(status, random);
  return {
    event: {
      call_id: callId,
      user_id: DEMO_USER,
      started_at: new Date(startedAtMs).toISOString(),
      duration_seconds: seconds,
      agent_id: pick(random, AGENTS),
      direction: pick(random, DIRECTIONS),
      status,
    },
    endedAtMs: startedAtMs + Math.round(seconds * 1000),
  };
}

/** Most calls are short, a few are long, and a call that nobody answered has no length. */
function secondsOf(status: CompletedCallEvent['status'], random: () => number): number {
  if (status === 'completed') {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.min(LONGEST_SECONDS, Math.round(1000 * Math.exp(5.2 + 0.8 * normal)) / 1000);
  }
  return status === 'voicemail' || status === 'failed' ? Math.round(5000 + random() * 40_000) / 1000 : 0;
}
