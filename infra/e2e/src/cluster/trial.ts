import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { compareWithOracle, compareWithRows } from '../compare.ts';
import { tally } from '../fault-report.ts';
import type { Service } from '../service.ts';
import { together, watchBoth } from '../watch.ts';
import { Flow, sendCalls, type World } from '../world.ts';
import type { ClusterDeployment } from './cluster-deployment.ts';
import type { ClusterReport } from './cluster-report.ts';

/** Something that happens to a running cluster, by accident or by an operator. */
export interface Trial {
  name: string;
  /** Resolves when it is over and everything is there again. */
  play(world: World<ClusterDeployment>): Promise<unknown>;
}

const BEFORE_MS = 1_000;
const AFTER_MS = 1_000;
/** Users who are read again from the topic's start take a while. */
const CAUGHT_UP_WITHIN_MS = 90_000;

/**
 * Plays a trial while events flow and dashboards are read through the balancer. No answer may have more calls than were
 * sent, or fewer than its as-of promises. Afterwards everything must equal the oracle without any intervention.
 */
export async function playTrial(
  t: Test,
  world: World<ClusterDeployment>,
  report: ClusterReport,
  { name, play }: Trial,
): Promise<void> {
  const { platform } = world;
  await sendCalls(world, 50);
  await caughtUp(world);
  const logged = new Map(platform.everyIngest.map((ingest) => [ingest, ingest.log.length]));
  const flow = new Flow(world);
  flow.start();
  const failures: unknown[] = [];
  const note = (thrown: unknown) => void failures.push(thrown);
  const { whole, cut } = await watchBoth(world, async () => {
    await sleep(BEFORE_MS);
    await Promise.resolve(play(world)).catch(note);
    await sleep(AFTER_MS);
    await flow.stop();
    // As long as it takes, readers see it.
    await caughtUp(world).catch(note);
  });
  t.same(failures, [], 'everything came back, and counting caught up');
  const all = together(whole, cut);
  t.equal(all.tooMany, 0, 'no dashboard had more calls than were sent');
  t.equal(all.tooFew, 0, 'no dashboard had fewer calls than its as-of promises');
  const differences = await compareWithOracle(world);
  t.same(differences, [], `every number equals the oracle, of ${world.oracle.size} calls`);
  const drifted = await compareWithRows(world);
  t.same(drifted, [], 'the counters equal the rows');
  // Ingest audits all users all the time. A repair would hide what the comparisons above look for.
  const saysSince = (ingest: Service) => ingest.log.slice(logged.get(ingest) ?? 0);
  const repaired = platform.everyIngest.filter((one) => saysSince(one).includes('"differences"')).length;
  t.equal(repaired, 0, 'no user was reported as drifted');
  report.add(t, {
    trial: name,
    statuses: tally(all.statuses),
    sources: tally(all.sources),
    slowestMs: all.slowestMs,
    oldestAsOfMs: all.oldestAsOfMs,
    outOfBounds: all.tooMany + all.tooFew,
    different: differences.length + drifted.length + repaired,
    isCaughtUp: failures.length === 0,
  });
  // The next trial should not fail for the same reason.
  if (failures.length > 0) await platform.restartIngest();
}

/** Waits until every user's counters have everything that was sent, as their answers say. */
async function caughtUp({ platform, keys }: World<ClusterDeployment>): Promise<void> {
  for (const key of keys.values()) await platform.untilCaughtUp(key, CAUGHT_UP_WITHIN_MS);
}
