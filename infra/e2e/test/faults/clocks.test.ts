import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { CallEvent } from '@calltally/contract';
import { test } from 'tap';
import { type Answer, ask, figuresOf } from '../../src/dashboard.ts';
import { caughtUp, warmUp } from '../../src/endure.ts';
import { FaultReport, tally } from '../../src/fault-report.ts';
import type { OracleRange } from '../../src/oracle.ts';
import { sendCalls, startWorld, type World } from '../../src/world.ts';

const report = new FaultReport(import.meta.url);
const DAY_MS = 86_400_000;
const LATE_MS = 3 * 365 * DAY_MS;
const AHEAD_MS = 4 * 60_000;
/** Far enough ahead that answers come before and after it, near enough to wait for. */
const SOON_MS = 4_000;
const AROUND = 60;

interface Query {
  query: string;
  /** The range that a request at `nowMs` means. */
  range(nowMs: number): OracleRange;
}

const text = (ms: number) => new Date(ms).toISOString();
const EARLIEST = Date.UTC(2000, 0, 1);

/** Ranges that start or end near an instant, in every precision, and ranges that end now. */
function queriesAround({ chance }: World, instantMs: number): Query[] {
  const until = (query: string, untilMs: number): Query => ({
    query: `start_date=2000-01-01&end_date=${query}`,
    range: () => ({ from: EARLIEST, until: untilMs }),
  });
  const second = instantMs - (instantMs % 1_000);
  const midnight = instantMs - (instantMs % DAY_MS);
  const queries: Query[] = [
    { query: '', range: (nowMs) => ({ from: startOfWindow(nowMs), until: nowMs + 1 }) },
    { query: 'start_date=2000-01-01', range: (nowMs) => ({ from: EARLIEST, until: nowMs + 1 }) },
    until(text(midnight).slice(0, 10), midnight + DAY_MS),
    until(text(midnight - 1).slice(0, 10), midnight),
    until(`${text(second).slice(0, 19)}Z`, second + 1_000),
    until(`${text(second - 1_000).slice(0, 19)}Z`, second),
  ];
  for (const off of [-1, 0, 1]) queries.push(until(text(instantMs + off), instantMs + off + 1));
  for (let i = 0; i < AROUND; i++) {
    const last = instantMs + chance.int(-2_000, 2_000);
    const from = chance.chance(0.5) ? instantMs + chance.int(-2_000, 0) : last - chance.int(0, 40 * DAY_MS);
    const query = `start_date=${text(Math.min(from, last))}&end_date=${text(last)}`;
    queries.push({ query, range: () => ({ from: Math.min(from, last), until: last + 1 }) });
  }
  return queries;
}

function startOfWindow(nowMs: number): number {
  const now = new Date(nowMs);
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() - 30);
}

class Asked {
  readonly statuses = new Map<number, number>();
  readonly sources = new Map<string, number>();
  readonly wrong: unknown[] = [];
  slowestMs = 0;

  /** Reads each user once, and compares the answer with the oracle as of the request or the answer. */
  async ask({ platform, oracle, keys }: World, { query, range }: Query): Promise<void> {
    for (const [userId, key] of keys) {
      const askedAtMs = Date.now();
      const answer = await ask(platform.api.url, key, query);
      this.#note(answer);
      const found = figuresOf(answer);
      const right = [askedAtMs, Date.now()].map((nowMs) => oracle.figures(userId, range(nowMs), nowMs));
      if (!right.some((figures) => isDeepStrictEqual(found, figures))) {
        this.wrong.push({ userId, query, found: found ?? answer.body, right: right[1] });
      }
    }
  }

  #note({ status, source, tookMs }: Answer): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    if (source !== null) this.sources.set(source, (this.sources.get(source) ?? 0) + 1);
    this.slowestMs = Math.max(this.slowestMs, tookMs);
  }
}

/** A call of each user that starts at an instant. */
async function sendStartedAt({ platform, traffic, oracle }: World, startedAtMs: number): Promise<void> {
  const events = traffic.users.map((userId): CallEvent => {
    const { ended_at: _, ...event } = traffic.call(startedAtMs);
    return { ...event, user_id: userId, started_at: text(startedAtMs), duration_seconds: 61.5 };
  });
  for (const event of events) oracle.add(event);
  await platform.producer.sendAll(events);
}

test('calls from clocks that are late or ahead count only in ranges that hold their start', async (t) => {
  const world = await startWorld(t, { users: 3, lines: ['redis'] });
  const { platform } = world;
  await sendCalls(world, 400);
  await warmUp(world);

  for (const { name, offMs } of [
    { name: 'Events three years late', offMs: -LATE_MS },
    { name: 'Events 4 minutes ahead of the clock', offMs: AHEAD_MS },
  ]) {
    const instantMs = Date.now() + offMs;
    await sendStartedAt(world, instantMs);
    await caughtUp(world);
    const asked = new Asked();
    for (const query of queriesAround(world, instantMs)) await asked.ask(world, query);
    platform.line('redis').cut();
    for (const query of queriesAround(world, instantMs)) await asked.ask(world, query);
    platform.line('redis').heal();
    await caughtUp(world);
    t.same([...asked.statuses.keys()], [200], `${name}: ${tally(asked.statuses)}`);
    t.same(asked.wrong, [], `${name}: exact, from ${tally(asked.sources)}`);
    add(name, asked);
  }

  const soonMs = Date.now() + SOON_MS;
  await sendStartedAt(world, soonMs);
  await caughtUp(world);
  const asked = new Asked();
  const endingNow = queriesAround(world, soonMs).slice(0, 2);
  while (Date.now() < soonMs + 500) {
    for (const query of endingNow) await asked.ask(world, query);
    await sleep(5);
  }
  t.same(asked.wrong, [], `exact before, during and after the start of a call: ${tally(asked.sources)}`);
  add('The clock comes to a call that was ahead of it', asked);

  function add(fault: string, { statuses, sources, slowestMs, wrong }: Asked): void {
    const exact = wrong.length === 0 ? 'exact' : `${wrong.length} wrong`;
    const answers = { whole: tally(statuses), cut: '', sources: tally(sources), slowestMs };
    report.add(t, { fault, ...answers, during: exact, afterwards: exact });
  }
});
