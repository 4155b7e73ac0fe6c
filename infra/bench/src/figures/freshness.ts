import { setTimeout as sleep } from 'node:timers/promises';
import { createCallEventProducer } from '@calltally/contract/producer';
import type { Bench } from '../bench.ts';
import { Child } from '../child.ts';
import { Client } from '../client.ts';
import type { Figure, Line } from '../figure.ts';
import type { TrafficReply, TrafficRequest } from '../load/traffic.ts';
import { API, INGEST, NodeProcess } from '../node-process.ts';
import { PROBED, Probes } from '../probes.ts';
import { median, percentile } from '../statistics.ts';
import { Topic } from '../world/topic.ts';
import { World } from '../world/world.ts';

const TRAFFIC = new URL('../load/traffic.js', import.meta.url);
const TRAFFIC_USERS = 100;
/** Events a second, and the names of their lines; only the first is promised. */
const RATES = [
  { perSecond: 500, name: 'freshness', promised: { p50: { atMost: 15 }, p99: { atMost: 60 } } },
  { perSecond: 100, name: 'freshness-100', promised: { p50: {}, p99: {} } },
  { perSecond: 2_000, name: 'freshness-2000', promised: { p50: {}, p99: {} } },
];
const SETTLE_MS = 3_000;
/** Less than this share of the events asked for is another figure. */
const SHARE_OF_RATE_MIN = 0.95;

export const freshness: Figure = {
  name: 'freshness',
  lines: RATES.flatMap(({ perSecond, name, promised }): Line[] => {
    const compares = `from an event acknowledged by Kafka to an answer of the API that counts it, at ${perSecond} events/s`;
    return [
      { name: `${name}-p50`, unit: 'ms', compares: `${compares}: half are faster`, ...promised.p50 },
      { name: `${name}-p99`, unit: 'ms', compares: `${compares}: 99 of 100 are faster`, ...promised.p99 },
    ];
  }),
  async measure(bench, note) {
    const { probes, traffic } = await start(bench);
    for (const { perSecond, name } of RATES) {
      await traffic.ask({ perSecond });
      await sleep(SETTLE_MS);
      for (let round = 1; round <= bench.rounds; round++) {
        const beganMs = performance.now();
        const before = await traffic.ask({});
        const { freshMs, pollMs, refused } = await probes.many(
          AbortSignal.timeout(bench.size(15_000, 2_000)),
        );
        if (refused > 0) throw new Error(`${refused} answers were not 200`);
        const after = await traffic.ask({});
        const seconds = (performance.now() - beganMs) / 1_000;
        const sentPerSecond = (after.acknowledged - before.acknowledged) / seconds;
        if (sentPerSecond < perSecond * SHARE_OF_RATE_MIN) {
          throw new Error(`only ${sentPerSecond} of ${perSecond} events/s were acknowledged`);
        }
        const details = { probes: freshMs.length, pollMs: median(pollMs), sentPerSecond };
        note(`${name}-p50`, { ours: median(freshMs), ...details });
        note(`${name}-p99`, { ours: percentile(freshMs, 0.99), ...details });
      }
    }
    await traffic.ask({ perSecond: 0 });
  },
};

/** The whole service with a user whose events are watched for, beside the traffic of others. */
async function start(bench: Bench) {
  const [world, topic] = await Promise.all([
    World.start(bench, 'freshness'),
    Topic.create(bench, 'freshness'),
  ]);
  const env = { ...world.environment, ...topic.environment };
  const [key] = await world.createKeys([PROBED]);
  await NodeProcess.start(bench, INGEST, env, 'INGEST_PORT');
  const api = await NodeProcess.start(bench, API, env);
  const calls = createCallEventProducer({ brokers: topic.brokers, topic: topic.name });
  const traffic = new Child<TrafficRequest, TrafficReply>(bench, TRAFFIC, [
    topic.brokers[0]!,
    topic.name,
    String(TRAFFIC_USERS),
  ]);
  const client = new Client(api.url);
  bench.atEnd(() => {
    client.close();
    return calls.close();
  });
  const probes = new Probes(calls, client, key!);
  await probes.one();
  return { probes, traffic };
}
