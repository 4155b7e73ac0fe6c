import { setTimeout as sleep } from 'node:timers/promises';
import { type CallEventProducer, createCallEventProducer } from '@calltally/contract/producer';
import type { Bench } from '../bench.ts';
import { Child } from '../child.ts';
import type { Figure } from '../figure.ts';
import { StreamListener } from '../load/listener.ts';
import type { TrafficReply, TrafficRequest } from '../load/traffic.ts';
import { API, INGEST, NodeProcess } from '../node-process.ts';
import { median, percentile } from '../statistics.ts';
import { Topic } from '../world/topic.ts';
import { World } from '../world/world.ts';

const TRAFFIC = new URL('../load/traffic.js', import.meta.url);
const PROBES = 10;
const IDLE = [300, 1_000];
const LISTENERS_OF_FRESHNESS = 300;
/** Of those who listen, so that each of them is told something once a second. */
const TRAFFIC_USERS = 300;
const EVENTS_PER_SECOND = 300;
const OPENED_AT_ONCE = 50;
const SETTLE_MS = 1_500;
/** Longer than the least time between two events of a stream, at least; and at most twice as long. */
const PAUSE_MS = 300;
const TOLD_WITHIN_MS = 30_000;

export const streams: Figure = {
  name: 'streams',
  lines: [
    ...IDLE.map((listeners) => ({
      name: `streams-idle-${listeners}`,
      unit: 'ms/s',
      compares: `processor time of the API in a second while ${listeners} streams are open and nothing is counted, against none open`,
    })),
    {
      name: 'streams-fresh-p50',
      unit: 'ms',
      compares: `from an event acknowledged by Kafka to the stream's event that counts it, with ${LISTENERS_OF_FRESHNESS} more streams and ${EVENTS_PER_SECOND} events/s: half are faster`,
    },
    { name: 'streams-fresh-p99', unit: 'ms', compares: 'the same: 99 of 100 are faster' },
  ],
  async measure(bench, note) {
    const { api, keys, probes, traffic } = await start(bench);
    for (let round = 1; round <= bench.rounds; round++) {
      const other = await busyMs(bench, api);
      const listeners: StreamListener[] = [];
      for (const count of IDLE) {
        await openUpTo(count, listeners, api, keys);
        note(`streams-idle-${count}`, { ours: await busyMs(bench, api), other });
      }
      for (const listener of listeners.splice(LISTENERS_OF_FRESHNESS)) listener.close();
      await traffic.ask({ perSecond: EVENTS_PER_SECOND });
      await sleep(SETTLE_MS);
      const tookMs = await Promise.all(probes.map((probe) => probe.many(api.url, bench.size(12_000, 3_000))));
      await traffic.ask({ perSecond: 0 });
      for (const listener of listeners) listener.close();
      const freshMs = tookMs.flat();
      note('streams-fresh-p50', { ours: median(freshMs), probes: freshMs.length });
      note('streams-fresh-p99', { ours: percentile(freshMs, 0.99), probes: freshMs.length });
    }
  },
};

/** The whole service, and keys of as many users as listen; `traffic-0` and on have events. */
async function start(bench: Bench) {
  const [world, topic] = await Promise.all([World.start(bench, 'streams'), Topic.create(bench, 'streams')]);
  const env = { ...world.environment, ...topic.environment };
  const keys = await world.createKeys(Array.from({ length: Math.max(...IDLE) }, (_, i) => `traffic-${i}`));
  const probed = Array.from({ length: PROBES }, (_, i) => `probe-${i}`);
  const probeKeys = await world.createKeys(probed);
  await NodeProcess.start(bench, INGEST, env, 'INGEST_PORT');
  const api = await NodeProcess.start(bench, API, env);
  const calls = createCallEventProducer({ brokers: topic.brokers, topic: topic.name });
  bench.atEnd(() => calls.close());
  const args = [topic.brokers[0]!, topic.name, String(TRAFFIC_USERS)];
  const traffic = new Child<TrafficRequest, TrafficReply>(bench, TRAFFIC, args);
  const probes = probed.map((userId, i) => new Probe(calls, userId, probeKeys[i]!));
  return { api, keys, probes, traffic };
}

async function openUpTo(
  count: number,
  listeners: StreamListener[],
  api: NodeProcess,
  keys: readonly string[],
) {
  while (listeners.length < count) {
    const next = keys.slice(listeners.length, Math.min(count, listeners.length + OPENED_AT_ONCE));
    listeners.push(...(await Promise.all(next.map((key) => StreamListener.open(api.url, key)))));
  }
}

/** Milliseconds of processor time that a process uses in a second. */
async function busyMs(bench: Bench, process: NodeProcess): Promise<number> {
  await sleep(SETTLE_MS);
  const beganMs = performance.now();
  const before = process.cpuSeconds();
  await sleep(bench.size(8_000, 3_000));
  const used = (process.cpuSeconds() ?? Number.NaN) - (before ?? Number.NaN);
  return (used * 1_000) / ((performance.now() - beganMs) / 1_000);
}

/** Sends an event of its user and waits until the user's stream counts it; one at a time. */
class Probe {
  readonly #calls: CallEventProducer;
  readonly #userId: string;
  readonly #key: string;
  #sent = 0;

  constructor(calls: CallEventProducer, userId: string, key: string) {
    this.#calls = calls;
    this.#userId = userId;
    this.#key = key;
  }

  /** Milliseconds that each took. Pauses are by chance, so that no beat of the API is met or missed. */
  async many(url: string, forMs: number): Promise<number[]> {
    const listener = await StreamListener.open(url, this.#key);
    const tookMs: number[] = [];
    for (const end = Date.now() + forMs; Date.now() < end; ) {
      await sleep(PAUSE_MS * (1 + Math.random()));
      tookMs.push(await this.#one(listener));
    }
    listener.close();
    return tookMs;
  }

  async #one(listener: StreamListener): Promise<number> {
    this.#sent += 1;
    await this.#calls.send({
      call_id: `${this.#userId}-${this.#sent}`,
      user_id: this.#userId,
      started_at: new Date().toISOString(),
      duration_seconds: 60,
    });
    const acknowledgedMs = performance.now();
    await listener.says(this.#sent, TOLD_WITHIN_MS);
    return performance.now() - acknowledgedMs;
  }
}
