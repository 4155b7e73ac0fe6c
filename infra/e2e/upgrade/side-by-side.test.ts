import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { compareWithOracle, compareWithRows } from '../src/compare.ts';
import { caughtUp, isStarved, observe, warmUp } from '../src/endure.ts';
import { sendCallsByHttp } from '../src/intake-client.ts';
import { type Service, THIS_VERSION } from '../src/service.ts';
import { compareDashboards } from '../src/upgrade/compare-dashboards.ts';
import { obtainVersion } from '../src/upgrade/obtain-version.ts';
import { UpgradeReport } from '../src/upgrade/upgrade-report.ts';
import { VERSIONS_BEFORE } from '../src/upgrade/versions.ts';
import { Flow, startWorld, type World } from '../src/world.ts';

/** How long both versions count and answer before the next process is replaced. */
const TOGETHER_MS = 4_000;
const report = new UpgradeReport();

/** Starts a version in the place of a process. Ended as an orchestrator does it, or killed. */
async function replace(service: Service, version: URL, signal: NodeJS.Signals): Promise<void> {
  const ended = await service.end(signal);
  if (signal === 'SIGTERM' && ended !== 0)
    throw new Error(`${service.name} ended with ${ended}:\n${service.log.slice(-4_000)}`);
  service.version = version;
  await service.start();
}

/** The steps from one version to another, in the order of docs/operations.md; both versions run in between. */
function stepsTo(
  world: World,
  version: URL,
  signal: () => NodeJS.Signals,
): [name: string, step: () => Promise<void>][] {
  const { platform } = world;
  return [
    ...platform.ingests.map((ingest, i): [string, () => Promise<void>] => [
      `ingest ${i + 1}`,
      () => replace(ingest, version, signal()),
    ]),
    ...platform.apis.map((api, i): [string, () => Promise<void>] => [
      `API ${i + 1}`,
      () =>
        platform.withoutApi(api, async () => {
          // By now a load balancer has dropped the process, and its last requests are in flight.
          await sleep(100);
          await replace(api, version, signal());
        }),
    ]),
    ...platform.intakes.map((intake, i): [string, () => Promise<void>] => [
      `intake ${i + 1}`,
      () => replace(intake, version, signal()),
    ]),
  ];
}

for (const { revision, name } of VERSIONS_BEFORE) {
  for (const isKilled of [false, true]) {
    test(`from ${name} (${revision}) and back and up again, ${isKilled ? 'some processes killed' : 'each asked to end'}`, async (t) => {
      const before = obtainVersion(revision);
      const world = await startWorld(t, { users: 6, ingests: 2, apis: 2, intakes: 1, version: before });
      const { platform, chance, oracle } = world;
      await warmUp(world);
      const { apiKey: key } = await platform.store.apiKeys.create({ platform: true, scope: 'write' });
      const signal = () => (isKilled && chance.chance(0.5) ? 'SIGKILL' : 'SIGTERM');
      for (const [direction, version] of [
        ['up', THIS_VERSION],
        ['back', before],
        ['up again', THIS_VERSION],
      ] as const) {
        const flow = new Flow(world);
        const stopping = new AbortController();
        const urls = () => platform.intakes.map(({ url }) => url);
        const byHttp = sendCallsByHttp(world, { urls, key, clients: 1 }, stopping.signal);
        flow.start();
        for (const [step, take] of stepsTo(world, version, signal)) {
          const startedMs = performance.now();
          const seen = await observe(
            world,
            async () => {
              await take();
              await sleep(TOGETHER_MS);
            },
            { plain: true },
          );
          const tookMs = performance.now() - startedMs;
          report.add(t, {
            from: isKilled ? `${name}, killed` : name,
            name: `${direction}: ${step}`,
            seen,
            tookMs,
          });
          const all = [seen.whole, seen.cut];
          t.equal(
            all.reduce((sum, { tooMany, tooFew }) => sum + tooMany + tooFew, 0),
            0,
            `${direction}: ${step}: within bounds`,
          );
          const isSlow = isStarved(seen);
          if (isSlow) t.comment(`Redis took ${Math.round(seen.slowestRedisMs)} ms to answer a PING`);
          const allowed = [200, ...(isKilled || isSlow ? [503] : []), ...(isKilled ? ['none'] : [])];
          const others = all
            .flatMap(({ statuses }) => [...statuses.keys()])
            .filter((one) => !allowed.includes(one));
          t.same(others, [], `${direction}: ${step}: answers other than ${allowed}`);
        }
        stopping.abort();
        await Promise.all([flow.stop(), byHttp]);
        await caughtUp(world);
        t.same(
          await compareDashboards(world),
          [],
          `${direction}: dashboards equal the oracle, of ${oracle.size} calls`,
        );
      }
      t.same(await compareWithOracle(world), [], `every number equals the oracle, of ${oracle.size} calls`);
      t.same(await compareWithRows(world), [], 'the counters equal the rows');
      const drifted = platform.ingests.filter(({ log }) => log.includes('"differences"')).length;
      t.equal(drifted, 0, 'no audit of either version found drift');
    });
  }
}
