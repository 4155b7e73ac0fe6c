import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Closing } from './closing.ts';
import type { Listening } from './ports.ts';
import { Service } from './service.ts';
import { waitUntilReady } from './waiting.ts';
import { watchCounting } from './watch-counting.ts';

interface Surroundings {
  root: string;
  /** `.calltally` */
  folder: string;
  engines: { kafka: string; redis: string; mongo: string };
  at: { api: Listening; ingest: Listening };
  say(line: string): void;
  stopping: AbortSignal;
  closing: Closing;
}

const READY_TIMEOUT_MS = 60_000;

/** Starts the API and ingest. Resolves when both are ready. @throws DevError */
export async function startServices(around: Surroundings): Promise<{ api: Service; ingest: Service }> {
  const { root, folder, engines, at, say, stopping, closing } = around;
  const logs = join(folder, 'logs');
  await mkdir(logs, { recursive: true });
  const env = {
    ...process.env,
    KAFKA_BROKERS: engines.kafka,
    REDIS_URL: engines.redis,
    MONGODB_URI: engines.mongo,
    // The addresses above are what these files hold.
    REDIS_URL_FILE: '',
    MONGODB_URI_FILE: '',
    PORT: `${at.api.port}`,
    INGEST_PORT: `${at.ingest.port}`,
    // Nobody balances between processes here, and whoever stops them waits at a terminal.
    DRAIN_SECONDS: '0',
    MANAGEMENT_PORT: '',
  };
  const make = (name: 'api' | 'ingest') => {
    const main = join(root, 'services', name, 'dist', 'main.js');
    return new Service({ name, main, env, logFile: logOf(name), say });
  };
  const logOf = (name: string) => join(logs, `${name}.log`);
  const services = { api: make('api'), ingest: make('ingest') };
  const both = [services.api, services.ingest];
  closing.add(() => Promise.all(both.map((service) => service.stop())));
  for (const service of both) service.start();
  // Starts before the services are ready, because they may never be.
  const watch = watchCounting({ address: at.ingest.address, logFile: logOf('ingest'), say });
  closing.add(() => watch.stop());
  const ready = (name: 'api' | 'ingest') =>
    waitUntilReady({ name, address: at[name].address, logFile: logOf(name) }, READY_TIMEOUT_MS, stopping);
  await Promise.all([ready('api'), ready('ingest')]);
  return services;
}
