import { setTimeout as sleep } from 'node:timers/promises';
import type { CallEvent } from '@calltally/contract';
import { createCallEventProducer } from '@calltally/contract/producer';
import { stopwatch, usEach } from '../cpu-time.ts';
import { IntakeClient } from '../intake-client.ts';
import { PROBED, Probes } from '../probes.ts';
import { INTAKE, NodeProcess } from '../processes.ts';
import type { Figure } from '../results.ts';
import { median, percentile, takeTurns } from '../statistics.ts';
import { startService } from '../world/service.ts';
import { backlog } from '../world/topic.ts';

const BATCH = 100;
/** Requests that are under way at once, on a connection each; as many calls of the producer. */
const LANES = 32;
const TRAFFIC_USERS = 100;
const TRAFFIC_PER_SECOND = 500;
const SETTLE_MS = 3_000;

type Send = (events: readonly CallEvent[]) => Promise<unknown>;

export const intake: Figure = {
  name: 'intake',
  lines: [
    { name: 'intake-batches', unit: 'events/s', atLeast: 0.5 },
    { name: 'intake-single', unit: 'events/s' },
    { name: 'intake-accepted-p50', unit: 'ms' },
    { name: 'intake-accepted-p99', unit: 'ms' },
    { name: 'intake-visible-p50', unit: 'ms' },
    { name: 'intake-visible-p99', unit: 'ms' },
  ],
  async measure(bench, note) {
    const { world, topic, ingest, api, traffic } = await startService(bench, 'intake', {
      trafficUsers: TRAFFIC_USERS,
    });
    const server = await NodeProcess.start(
      bench,
      INTAKE,
      { ...world.environment, ...topic.environment },
      'INTAKE_PORT',
    );
    const { apiKey } = await world.store.apiKeys.create({ platform: true, scope: 'write' });
    const client = new IntakeClient(server.url, apiKey, LANES);
    bench.atEnd(() => client.close());
    const calls = createCallEventProducer({ brokers: topic.brokers, topic: topic.name });
    bench.atEnd(() => calls.close());

    const [key] = await world.createKeys([PROBED]);
    const acceptedMs: number[] = [];
    const probes = await Probes.start(
      bench,
      {
        async send(event) {
          const beganMs = performance.now();
          await client.send(event);
          acceptedMs.push(performance.now() - beganMs);
        },
      },
      api,
      key!,
    );
    await traffic.ask({ perSecond: TRAFFIC_PER_SECOND });
    await sleep(SETTLE_MS);
    for (let round = 1; round <= bench.rounds; round++) {
      acceptedMs.length = 0;
      const { freshMs } = await probes.many(AbortSignal.timeout(bench.size(15_000, 2_000)));
      note('intake-accepted-p50', { ours: median(acceptedMs), probes: acceptedMs.length });
      note('intake-accepted-p99', { ours: percentile(acceptedMs, 0.99) });
      note('intake-visible-p50', { ours: median(freshMs) });
      note('intake-visible-p99', { ours: percentile(freshMs, 0.99) });
    }
    await traffic.ask({ perSecond: 0 });

    // It would take its share of the machine from both.
    await ingest.stop();
    for (let round = 1; round <= bench.rounds; round++) {
      const measure = async (line: string, count: number, batch: number, ours: Send, other: Send) => {
        const name = `${line}-${round}`;
        const both = await takeTurns(
          round,
          () => sent(backlog(`ours-${name}`, count), batch, ours),
          () => sent(backlog(`other-${name}`, count), batch, other),
        );
        note(line, {
          ours: both.ours.perSecond,
          other: both.other.perSecond,
          oursUs: both.ours.us,
          otherUs: both.other.us,
        });
      };
      const many: Send = (events) => client.send(events);
      await measure('intake-batches', bench.size(200_000, 6_000), BATCH, many, (events) =>
        calls.sendAll(events),
      );
      await measure(
        'intake-single',
        bench.size(20_000, 1_000),
        1,
        ([event]) => client.send(event!),
        ([event]) => calls.send(event!),
      );
    }
  },
};

/**
 * How many events are acknowledged per second, with processor time for each. `LANES` senders each wait for the answer to
 * their last batch.
 */
async function sent(events: readonly CallEvent[], batch: number, send: Send) {
  let next = 0;
  const lane = async () => {
    while (next < events.length) {
      const from = next;
      next += batch;
      await send(events.slice(from, from + batch));
    }
  };
  const spent = stopwatch();
  await Promise.all(Array.from({ length: LANES }, lane));
  const all = spent();
  return { perSecond: (events.length / all.tookMs) * 1_000, us: usEach(all, events.length) };
}
