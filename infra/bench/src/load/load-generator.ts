import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { Child } from '../child.ts';
import type { NodeProcess } from '../node-process.ts';
import type { LoadReply, LoadRequest } from './main.ts';

const PASSES_MAX = 5;

let generators = 0;

export interface Throughput {
  perSecond: number;
  /** Cores that the server was busy on; near 1 it was the server that set the pace, and not who asked. */
  cores: number;
}

/** A process that asks for dashboards, over 32 connections that stay open, a request at a time on each. */
export class LoadGenerator {
  readonly #child: Child<LoadRequest, LoadReply>;

  /** @param keys whose dashboards are asked for: each as often as any other, in an order by chance */
  constructor(bench: Bench, keys: readonly string[]) {
    generators += 1;
    const file = join(bench.folder, `keys-${generators}.json`);
    writeFileSync(file, JSON.stringify(keys));
    this.#child = new Child(bench, new URL('./main.js', import.meta.url), [file]);
  }

  /** @throws Error where an answer was not 200 */
  async throughput(server: NodeProcess, seconds: number): Promise<Throughput> {
    server.emptyLog();
    const cpuBefore = server.cpuSeconds() ?? Number.NaN;
    const { answers, failures, tookSeconds } = await this.#child.ask({ url: server.url, seconds });
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
