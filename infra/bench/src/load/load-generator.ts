import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import type { NodeProcess } from '../processes.ts';
import { Child } from '../processes.ts';
import type { LoadReply, LoadRequest, OneDashboard } from './main.ts';

const PASSES_MAX = 5;

export interface Throughput {
  perSecond: number;
  /** Cores that the server was busy on; near 1 it was the server that set the pace, and not who asked. */
  cores: number;
}

/** A process that asks for dashboards, over 32 connections that stay open, a request at a time on each. */
export class LoadGenerator {
  readonly #child: Child<LoadRequest, LoadReply>;

  /**
   * @param name of its own among those of the run
   * @param keys whose dashboards are asked for: each as often as any other, in an order by chance
   */
  constructor(bench: Bench, name: string, keys: readonly string[]) {
    const file = join(bench.folder, `${name}-keys.json`);
    writeFileSync(file, JSON.stringify(keys));
    this.#child = new Child(bench, new URL('./main.js', import.meta.url), [file]);
  }

  /** @throws Error where an answer was not 200 */
  throughput(server: NodeProcess, seconds: number): Promise<Throughput> {
    return this.#measure(server, { url: server.url, seconds });
  }

  /** Asks for one dashboard over and over; over fewer connections where fewer answers than these are asked for. */
  throughputOfOne(server: NodeProcess, one: OneDashboard): Promise<Throughput> {
    return this.#measure(server, { url: server.url, one });
  }

  /** Asks with every key and each of the queries, at an even pace. */
  paced(
    server: NodeProcess,
    pace: { queries: readonly string[]; perSecond: number; seconds: number },
  ): Promise<LoadReply> {
    return this.#child.ask({ url: server.url, ...pace });
  }

  async #measure(server: NodeProcess, request: LoadRequest): Promise<Throughput> {
    server.emptyLog();
    const cpuBefore = server.cpuSeconds() ?? Number.NaN;
    const { answers, failures, tookSeconds } = await this.#child.ask(request);
    if (failures > 0) throw new Error(`${failures} requests to ${server.url} failed`);
    const cores = ((server.cpuSeconds() ?? Number.NaN) - cpuBefore) / tookSeconds;
    return { perSecond: answers / tookSeconds, cores };
  }

  /**
   * Until each key was answered with 200: on a machine that is busy with filling its stores, some of many thousands
   * that nobody has asked for before are put off with 503.
   * @throws Error where that is never so
   */
  async everyKeyOnce(server: NodeProcess): Promise<void> {
    for (let pass = 1; pass <= PASSES_MAX; pass++) {
      const { failures } = await this.#child.ask({ url: server.url });
      if (failures === 0) return;
    }
    throw new Error(`${server.url} does not answer every key`);
  }
}
