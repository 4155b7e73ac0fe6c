import { type ClientRequest, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallEventProducer } from '@calltally/contract/producer';
import type { Bench } from '../bench.ts';
import type { NodeProcess } from '../processes.ts';
import type { Figure } from '../results.ts';
import { median, percentile } from '../statistics.ts';
import { startService } from '../world/service.ts';

/** One open stream of a user's figures, with as little overhead as possible. */
class StreamListener {
  readonly #request: ClientRequest;
  #text = '';
  #totalCalls = -1;
  #onCalls: (() => void) | undefined;

  private constructor(url: string, key: string, begun: (failed?: Error) => void) {
    const headers = { authorization: `Bearer ${key}` };
    this.#request = get(`${url}/analytics/stream`, { agent: false, headers }, (response) => {
      if (response.statusCode !== 200) begun(new Error(`a stream is answered with ${response.statusCode}`));
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        this.#take(part);
        if (this.#totalCalls >= 0) begun();
      });
      // Whoever waits for the missing event reports it.
      response.on('error', () => {});
    });
    this.#request.on('error', begun);
  }

  /** Resolves when the first figures have arrived. */
  static open(url: string, key: string): Promise<StreamListener> {
    return new Promise((resolve, reject) => {
      const listener: StreamListener = new StreamListener(url, key, (failed) => {
        if (failed === undefined) resolve(listener);
        else reject(failed);
      });
    });
  }

  /** Resolves when the figures have at least so many calls. @throws Error if that takes too long */
  async says(calls: number, withinMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`not told within ${withinMs} ms`)), withinMs);
        this.#onCalls = () => {
          if (this.#totalCalls >= calls) resolve();
        };
        this.#onCalls();
      });
    } finally {
      clearTimeout(timer);
      this.#onCalls = undefined;
    }
  }

  close(): void {
    this.#request.destroy();
  }

  #take(part: string): void {
    const blocks = (this.#text + part).split('\n\n');
    this.#text = blocks.pop()!;
    for (const block of blocks) {
      const found = /"total_calls":(\d+)/.exec(block);
      if (found !== null) this.#totalCalls = Number(found[1]);
    }
    this.#onCalls?.();
  }
}

const PROBES = 10;
const IDLE = [300, 1_000];
const LISTENERS_OF_FRESHNESS = 300;
/** As many as events a second, so that each listener gets an event about once a second. */
const TRAFFIC_USERS = 300;
const EVENTS_PER_SECOND = 300;
const OPENED_AT_ONCE = 50;
const SETTLE_MS = 1_500;
/** At least longer than the shortest time between two events of a stream, and at most twice as long. */
const PAUSE_MS = 300;
const TOLD_WITHIN_MS = 30_000;

export const streams: Figure = {
  name: 'streams',
  lines: [
    ...IDLE.map((listeners) => ({
      name: `streams-idle-${listeners}`,
      unit: 'ms/s',
    })),
    {
      name: 'streams-fresh-p50',
      unit: 'ms',
    },
    { name: 'streams-fresh-p99', unit: 'ms' },
  ],
  async measure(bench, note) {
    const { api, calls, traffic, world } = await startService(bench, 'streams', {
      trafficUsers: TRAFFIC_USERS,
    });
    const keys = await world.createKeys(Array.from({ length: Math.max(...IDLE) }, (_, i) => `traffic-${i}`));
    const probed = Array.from({ length: PROBES }, (_, i) => `probe-${i}`);
    const probeKeys = await world.createKeys(probed);
    const probes = probed.map((userId, i) => new Probe(calls, userId, probeKeys[i]!));
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

/** CPU milliseconds that a process uses in a second. */
async function busyMs(bench: Bench, process: NodeProcess): Promise<number> {
  await sleep(SETTLE_MS);
  const beganMs = performance.now();
  const before = process.cpuSeconds();
  await sleep(bench.size(8_000, 3_000));
  const used = (process.cpuSeconds() ?? Number.NaN) - (before ?? Number.NaN);
  return (used * 1_000) / ((performance.now() - beganMs) / 1_000);
}

/** Sends one event at a time of its user, and waits until the user's stream counts it. */
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

  /** Milliseconds of each event. Random pauses keep the events out of step with the API's timers. */
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
