import type { Engine } from '@calltally/stack';
import type { Bench } from '../../bench.ts';
import { engineCpuSeconds } from '../../cpu-time.ts';
import { IntakeClient } from '../../intake-client.ts';
import { INTAKE, NodeProcess } from '../../processes.ts';
import type { Line, Note } from '../../results.ts';
import { startAskingApi } from '../../world/asking-api.ts';
import { dashboardsOf } from '../../world/dashboards.ts';
import { eventsInOrder, Topic } from '../../world/topic.ts';
import { World } from '../../world/world.ts';
import { solve } from './solve.ts';

const LANES = 8;
const INTAKE_BATCHES = [1, 100] as const;

export const REQUEST_LINES: readonly Line[] = [
  'costs-request-api',
  'costs-request-redis',
  'costs-intake-event',
  'costs-intake-request',
].map((name) => ({ name, unit: 'µs' }));

export async function measureRequests(bench: Bench, note: Note): Promise<void> {
  await measureDashboards(bench, note);
  await measureIntake(bench, note);
}

/**
 * CPU time of the API and of Redis for a dashboard of the default window, with a busy API that has to ask: a user with
 * calls all day has mostly been counted since their last dashboard.
 */
async function measureDashboards(bench: Bench, note: Note): Promise<void> {
  const { world, api, load } = await dashboardsOf(bench, bench.size(20_000, 3_200));
  await api.stop();
  const asking = await startAskingApi(bench, world);
  const seconds = bench.size(8, 2);
  await load.everyKeyOnce(asking);
  await load.throughput(asking, seconds);
  for (let round = 1; round <= bench.rounds; round++) {
    const before = redisUs(world.redis);
    const { perSecond, cores } = await load.throughput(asking, seconds);
    note('costs-request-api', { ours: (cores * 1e6) / perSecond, perSecond });
    note('costs-request-redis', { ours: (redisUs(world.redis) - before) / (perSecond * seconds) });
  }
  await asking.stop();
}

/** CPU time of intake for an event and for a request, from requests with one event and with many. */
async function measureIntake(bench: Bench, note: Note): Promise<void> {
  const [world, topic] = await Promise.all([
    World.start(bench, 'costs_intake'),
    Topic.create(bench, 'costs-intake'),
  ]);
  const env = { ...world.environment, ...topic.environment };
  const intake = await NodeProcess.start(bench, INTAKE, env, 'INTAKE_PORT');
  const { apiKey } = await world.store.apiKeys.create({ platform: true, scope: 'write' });
  const client = new IntakeClient(intake.url, apiKey, LANES);
  const send = async (name: string, count: number, batch: number) => {
    const events = eventsInOrder(name, count, (i) => `user-${i % 1_000}`);
    const before = intake.cpuSeconds() ?? Number.NaN;
    let next = 0;
    const lane = async () => {
      while (next < events.length) {
        const from = next;
        next += batch;
        await client.send(events.slice(from, from + batch));
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return [count, count / batch, ((intake.cpuSeconds() ?? Number.NaN) - before) * 1e6];
  };
  await send('compiled', bench.size(10_000, 500), 1);
  for (let round = 1; round <= bench.rounds; round++) {
    const equations: number[][] = [];
    for (const batch of INTAKE_BATCHES) {
      const count = batch === 1 ? bench.size(10_000, 500) : bench.size(100_000, 5_000);
      equations.push(await send(`intake-${batch}-${round}`, count, batch));
    }
    const [event, request] = solve(equations);
    note('costs-intake-event', { ours: event! });
    note('costs-intake-request', { ours: request! });
  }
  client.close();
  await intake.stop();
}

function redisUs(redis: Engine): number {
  return engineCpuSeconds(redis) * 1e6;
}
