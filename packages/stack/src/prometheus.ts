import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Daemon } from './daemon.ts';
import type { EngineOptions } from './engine.ts';
import { obtainTool, PROMETHEUS } from './obtain/tools.ts';
import { probe } from './probe.ts';

interface PrometheusOptions extends EngineOptions {
  /** Where its HTTP API listens. */
  port: number;
  /** The text of `prometheus.yml`. Relative paths in it begin at `dataDir`. */
  config: string;
}

export interface Prometheus {
  /** `http://127.0.0.1:PORT` */
  readonly address: string;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts Prometheus. Rejects with StackError. */
export async function startPrometheus({
  port,
  config,
  log,
  restart,
  ...given
}: PrometheusOptions): Promise<Prometheus> {
  const dataDir = resolve(given.dataDir);
  const command = await obtainTool(PROMETHEUS, log);
  await mkdir(dataDir, { recursive: true });
  await writeFile(join(dataDir, 'prometheus.yml'), config);
  const daemon = new Daemon({
    name: 'prometheus',
    dataDir,
    log,
    restart,
    command,
    args: [
      '--config.file=prometheus.yml',
      '--storage.tsdb.path=data',
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    isReady: () =>
      probe(port, Buffer.from('GET /-/ready HTTP/1.0\r\n\r\n'), (reply) =>
        reply.length < 12 ? undefined : / 200 /.test(reply.toString('latin1', 0, 16)),
      ),
  });
  await daemon.start();
  return { address: `http://127.0.0.1:${port}`, stop: (signal) => daemon.stop(signal) };
}
