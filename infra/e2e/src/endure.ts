import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { compareWithOracle, compareWithRows } from './compare.ts';
import { ask } from './dashboard.ts';
import { feelRedisPulse } from './engines.ts';
import { type FaultReport, rowOf, tally } from './fault-report.ts';
import { together, type Watched, watch } from './watch.ts';
import { Flow, sendCalls, type World } from './world.ts';

type Status = number | 'none';

/** Something that goes wrong, and how it ends. */
export interface Fault {
  name: string;
  begin(): Promise<unknown> | unknown;
  end?(): Promise<unknown> | unknown;
  /** Status codes that ranges of whole days may be answered with; 200 alone if not given. */
  whole?: readonly Status[];
  /** The same of ranges that cut days, which need rows. */
  cut?: readonly Status[];
  /** It strikes while events flow, and is watched only then; for what dies, or goes back, in the midst of work. */
  amidTraffic?: boolean;
}

/** What dashboards of whole days, and of ranges that cut days, were told. */
export interface Observed {
  whole: Watched;
  cut: Watched;
  /** How long Redis took at worst to answer the test itself. */
  slowestRedisMs: number;
}

const ALONE_MS = 800;
const LASTS_MS = 2_500;
const RECOVERY_MS = 1_000;
/** The API waits for 100 ms; a PING that took this long says that commands may have taken longer. */
const REDIS_IN_TIME_MS = 40;
/** The contract's second, and half of one for two busy cores. */
const UNAVAILABLE_WITHIN_MS = 1_500;

/**
 * Lets a fault happen to a running service: first alone, when every answer must be exact, then while events flow, when
 * no answer may say more than there was or less than its as-of promises; and holds everything to the oracle afterwards,
 * when nobody has done anything but wait.
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
  }));
  await conclude(t, world, report, { ...fault, observed: all, quiet: !fault.amidTraffic });
}

/** Some calls counted, every key known and every user warm, as with dashboards that people look at. */
export async function warmUp(world: World): Promise<void> {
  await sendCalls(world, 50);
  await caughtUp(world);
  for (const key of world.keys.values()) await ask(world.platform.api.url, key);
}

/** Reads dashboards of both kinds while something is done. */
export async function observe(
  world: World,
  work: () => Promise<void>,
  { quiet = false }: { quiet?: boolean } = {},
): Promise<Observed> {
  const whole = watch(world, { days: 'whole', quiet });
  const cut = watch(world, { days: 'cut', quiet });
  const pulse = feelRedisPulse(world.platform.redis.address);
  let slowestRedisMs = 0;
  try {
    await work();
  } finally {
    slowestRedisMs = pulse.stop();
    await Promise.all([whole.stop(), cut.stop()]);
  }
  return { whole: await whole.stop(), cut: await cut.stop(), slowestRedisMs };
}

interface Ordeal extends Pick<Fault, 'name' | 'whole' | 'cut'> {
  observed: Observed;
  /** Whether it was observed while nothing was sent, too. */
  quiet?: boolean;
}

/** Waits until all is counted, then says what was right during a fault and what is right after it. */
export async function conclude(t: Test, world: World, report: FaultReport, ordeal: Ordeal): Promise<void> {
  const { whole, cut } = ordeal.observed;
  const all = together(whole, cut);
  const unexpected = ({ statuses }: Watched, allowed: readonly Status[]) =>
    [...statuses.keys()].filter((status) => !allowed.includes(status));
  // On a machine too busy for Redis to answer in time, Redis counts as away, and whole days fare as cut ones; these may
  // be put off, too, since the processes that add up rows wait for the same processor.
  const starved = ordeal.observed.slowestRedisMs > REDIS_IN_TIME_MS;
  if (starved) t.comment(`Redis took ${Math.round(ordeal.observed.slowestRedisMs)} ms to answer a PING`);
  const cutAllowed: Status[] = [...(ordeal.cut ?? [200]), ...(starved ? [503 as const] : [])];
  const wholeAllowed = [...(ordeal.whole ?? [200]), ...(starved ? cutAllowed : [])];
  t.same(unexpected(whole, wholeAllowed), [], `whole days: ${tally(whole.statuses)}`);
  t.same(unexpected(cut, cutAllowed), [], `cut days: ${tally(cut.statuses)}`);
  t.equal(all.tooMany, 0, 'no dashboard said more than there was');
  t.equal(all.tooFew, 0, 'no dashboard said less than its as-of promises');
  t.equal(all.wrong, 0, 'every dashboard was exact while nothing was sent');
  t.equal(all.withoutRetryAfter, 0, 'every 503 said when to try again');
  t.ok(all.slowest503Ms <= UNAVAILABLE_WITHIN_MS, `slowest 503: ${Math.round(all.slowest503Ms)} ms`);
  await caughtUp(world);
  const differences = await compareWithOracle(world);
  t.same(differences, [], `every number equals the oracle, of ${world.oracle.size} calls`);
  const drifted = await compareWithRows(world);
  t.same(drifted, [], 'Redis is what rows say');
  // Ingest audits everybody all the time; it would also repair, and so hide, what the comparisons above look for.
  const called = world.platform.ingests.filter(({ log }) => log.includes('"differences"')).length;
  t.equal(called, 0, 'no user was ever called drifted');
  const exactAfterwards = differences.length + drifted.length === 0;
  report.add(t, rowOf(ordeal.name, { whole, cut, quiet: ordeal.quiet ?? false, exactAfterwards }));
}

/** Everything sent so far is read, committed and counted. */
export async function caughtUp({ platform, keys }: World): Promise<void> {
  await platform.untilRead(90_000);
  await platform.untilCaughtUp([...keys.values()][0]!);
}
