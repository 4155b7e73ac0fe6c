import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { stopwatch } from '../cpu-time.ts';
import type { NodeProcess } from '../processes.ts';
import { Child } from '../processes.ts';
import type { LoadReply, LoadRequest, OneDashboard } from './main.ts';

const PASSES_MAX = 5;

export interface Throughput {
  perSecond: number;
  /** Cores that the server kept busy. Near 1 the server was the bottleneck, and not the load generator. */
  cores: number;
  /** Processor time of all processes but the load generator for a request, µs. Of use if there is one generator. */
  us: number;
}

/** Processor time of the server alone for a request, µs. */
export function serverUs({ cores, perSecond }: Pick<Throughput, 'cores' | 'perSecond'>): number {
  return (cores / perSecond) * 1e6;
}

/** A process that requests dashboards over 32 keep-alive connections, one request at a time on each. */
export class LoadGenerator {
  readonly #child: Child<LoadRequest, LoadReply>;

  /**
   * @param name unique in this run
   * @param keys of the dashboards to request, each equally often, in random order
   */
  constructor(bench: Bench, name: string, keys: readonly string[]) {
    const file = join(bench.folder, `${name}-keys.json`);
    writeFileSync(file, JSON.stringify(keys));
    this.#child = new Child(bench, new URL('./main.js', import.meta.url), [file]);
  }

  /** @throws Error if an answer was not 200 */
  throughput(server: NodeProcess, seconds: number): Promise<Throughput> {
    return this.#measure(server, { url: server.url, seconds });
  }

  /** Requests one dashboard repeatedly. Opens no more connections than the answers it needs. */
  throughputOfOne(server: NodeProcess, one: OneDashboard): Promise<Throughput> {
    return this.#measure(server, { url: server.url, one });
  }

  /** Requests every query with every key, at a constant rate. */
  paced(
    server: NodeProcess,
    pace: { queries: readonly string[]; perSecond: number; seconds: number },
  ): Promise<LoadReply> {
    return this.#child.ask({ url: server.url, ...pace });
  }

  async #measure(server: NodeProcess, request: LoadRequest): Promise<Throughput> {
    server.emptyLog();
    const cpuBefore = server.cpuSeconds() ?? Number.NaN;
    const spent = stopwatch();
    const { answers, failures, tookSeconds, cpuSeconds } = await this.#child.ask(request);
    const others = spent().cpuSeconds - cpuSeconds;
    if (failures > 0) throw new Error(`${failures} requests to ${server.url} failed`);
    const cores = ((server.cpuSeconds() ?? Number.NaN) - cpuBefore) / tookSeconds;
    return { perSecond: answers / tookSeconds, cores, us: (others * 1e6) / answers };
  }

  /**
   * Repeats until each key was answered with 200. While a busy machine fills its stores, some of many thousand new keys
   * get a 503.
   * @throws Error if some never get a 200
   */
  async everyKeyOnce(server: NodeProcess): Promise<void> {
    for (let pass = 1; pass <= PASSES_MAX; pass++) {
      const { failures } = await this.#child.ask({ url: server.url });
      if (failures === 0) return;
    }
    throw new Error(`${server.url} does not answer every key`);
  }
}
