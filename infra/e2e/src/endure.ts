import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { compareWithOracle, compareWithRows } from './compare.ts';
import { ask } from './dashboard.ts';
import type { Deployment } from './deployment.ts';
import { feelApiPulse, feelRedisPulse } from './engines.ts';
import { type FaultReport, rowOf, tally } from './fault-report.ts';
import { together, type Watched, type WatchOptions, watchBoth } from './watch.ts';
import { Flow, sendCalls, type World } from './world.ts';

type Status = number | 'none';

/** A fault, and how to end it. */
export interface Fault {
  name: string;
  begin(): Promise<unknown> | unknown;
  end?(): Promise<unknown> | unknown;
  /** Status codes allowed for ranges of whole days; only 200 by default. */
  whole?: readonly Status[];
  /** The same for ranges that cut days, which need rows. */
  cut?: readonly Status[];
  /** Begin the fault while events flow, and observe it only then. For processes that die and data that goes back. */
  amidTraffic?: boolean;
}

/** Answers for ranges of whole days, and for ranges that cut days. */
export interface Observed {
  whole: Watched;
  cut: Watched;
  /** The slowest answer of Redis to the test itself. */
  slowestRedisMs: number;
  /** The slowest answer of the API that needs no store. */
  slowestHealthMs: number;
}

const ALONE_MS = 800;
const LASTS_MS = 2_500;
const RECOVERY_MS = 1_000;
/** The API waits 100 ms for Redis. If a PING takes this long, commands may take longer. */
const REDIS_IN_TIME_MS = 40;
/** The contract's second, plus half a second for two busy cores. */
const UNAVAILABLE_WITHIN_MS = 1_500;

/** A request waits for the processor at least so often. How long each time may be, an answer that needs no store tells. */
const STEPS_OF_503 = 3;

/**
 * Lets a fault happen to a running service. Without traffic, every answer must be exact. While events flow, no answer
 * may have more calls than were sent, or fewer than its as-of promises. Afterwards, everything must equal the oracle
 * without any intervention.
 */
export async function endure(t: Test, world: World, report: FaultReport, fault: Fault): Promise<void> {
  await warmUp(world);
  const flow = new Flow(world);
  const observed: Observed[] = [];
  if (!fault.amidTraffic) {
    const alone = async () => {
      await fault.begin();
      await sleep(ALONE_MS);
    };
    observed.push(await observe(world, alone, { quiet: true }));
  }
  flow.start();
  const amidTraffic = async () => {
    if (fault.amidTraffic) {
      await sleep(ALONE_MS);
      await fault.begin();
    }
    await sleep(LASTS_MS);
    await fault.end?.();
    await sleep(RECOVERY_MS);
  };
  observed.push(await observe(world, amidTraffic));
  await flow.stop();
  const all = observed.reduce((a, b) => ({
    whole: together(a.whole, b.whole),
    cut: together(a.cut, b.cut),
    slowestRedisMs: Math.max(a.slowestRedisMs, b.slowestRedisMs),
    slowestHealthMs: Math.max(a.slowestHealthMs, b.slowestHealthMs),
  }));
  await conclude(t, world, report, { ...fault, observed: all, quiet: !fault.amidTraffic });
}

/** Counts some calls and makes every key known and every user complete, as with dashboards in use. */
export async function warmUp(world: World<Deployment>): Promise<void> {
  await sendCalls(world, 50);
  await caughtUp(world);
  for (const key of world.keys.values()) await ask(world.platform.api.url, key);
}

/** Reads dashboards of both kinds, and Redis itself, while `work` runs. */
export async function observe(
  world: World,
  work: () => Promise<void>,
  options: Omit<WatchOptions, 'days'> = {},
): Promise<Observed> {
  const redis = feelRedisPulse(world.platform.redis.address);
  const api = feelApiPulse(world.platform.api.url);
  try {
    const watched = await watchBoth(world, work, options);
    return { ...watched, slowestRedisMs: redis.stop(), slowestHealthMs: api.stop() };
  } finally {
    redis.stop();
    api.stop();
  }
}

/**
 * If the machine is too busy for Redis to answer in time, the API takes Redis for unavailable, and whole days need rows like
 * cut ones. Both may get a 503 then, because the processes that add up rows wait for the same CPU.
 */
export function isStarved({ slowestRedisMs }: Observed): boolean {
  return slowestRedisMs > REDIS_IN_TIME_MS;
}

interface Ordeal extends Pick<Fault, 'name' | 'whole' | 'cut'> {
  observed: Observed;
  /** Whether it was also observed while nothing was sent. */
  quiet?: boolean;
}

/** Waits until everything is counted, then checks the answers during the fault and the numbers after it. */
export async function conclude(t: Test, world: World, report: FaultReport, ordeal: Ordeal): Promise<void> {
  const { whole, cut } = ordeal.observed;
  const all = together(whole, cut);
  const unexpected = ({ statuses }: Watched, allowed: readonly Status[]) =>
    [...statuses.keys()].filter((status) => !allowed.includes(status));
  const starved = isStarved(ordeal.observed);
  if (starved) t.comment(`Redis took ${Math.round(ordeal.observed.slowestRedisMs)} ms to answer a PING`);
  const cutAllowed: Status[] = [...(ordeal.cut ?? [200]), ...(starved ? [503 as const] : [])];
  const wholeAllowed = [...(ordeal.whole ?? [200]), ...(starved ? cutAllowed : [])];
  t.same(unexpected(whole, wholeAllowed), [], `whole days: ${tally(whole.statuses)}`);
  t.same(unexpected(cut, cutAllowed), [], `cut days: ${tally(cut.statuses)}`);
  t.equal(all.tooMany, 0, 'no dashboard had more calls than were sent');
  t.equal(all.tooFew, 0, 'no dashboard had fewer calls than its as-of promises');
  t.equal(all.wrong, 0, 'every dashboard was exact while nothing was sent');
  t.equal(all.withoutRetryAfter, 0, 'every 503 said when to try again');
  const withinMs = UNAVAILABLE_WITHIN_MS + STEPS_OF_503 * ordeal.observed.slowestHealthMs;
  t.ok(all.slowest503Ms <= withinMs, `slowest 503: ${Math.round(all.slowest503Ms)} ms`);
  await caughtUp(world);
  const differences = await compareWithOracle(world);
  t.same(differences, [], `every number equals the oracle, of ${world.oracle.size} calls`);
  const drifted = await compareWithRows(world);
  t.same(drifted, [], 'the counters equal the rows');
  // Ingest audits all users all the time. A repair would hide what the comparisons above look for, so there must be
  // none.
  const called = world.platform.ingests.filter(({ log }) => log.includes('"differences"')).length;
  t.equal(called, 0, 'no user was reported as drifted');
  const exactAfterwards = differences.length + drifted.length === 0;
  report.add(t, rowOf(ordeal.name, { whole, cut, quiet: ordeal.quiet ?? false, exactAfterwards }));
}

/** Waits until everything sent so far is read, committed and counted. */
export async function caughtUp({ platform, keys }: World<Deployment>): Promise<void> {
  await platform.untilRead(90_000);
  await platform.untilCaughtUp([...keys.values()][0]!);
}
