import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Closing } from './closing.ts';
import type { Listening, ServiceName } from './ports.ts';
import { Service } from './service.ts';
import { waitUntilReady } from './waiting.ts';
import { watchCounting } from './watch-counting.ts';

/** A process to start. */
export interface Planned {
  /** In messages and of its log. */
  name: string;
  service: ServiceName;
  at: Listening;
}

interface Surroundings {
  root: string;
  /** Has the folder `logs`. */
  folder: string;
  /** Of every process, without its port. */
  env: NodeJS.ProcessEnv;
  say(line: string): void;
  stopping: AbortSignal;
  closing: Closing;
}

const READY_TIMEOUT_MS = 60_000;
const PORT_VARIABLES = { api: 'PORT', ingest: 'INGEST_PORT', intake: 'INTAKE_PORT' };

/** Starts processes of the services. Resolves when all are ready, in the order of the plan. @throws DevError */
export async function startServices(plan: readonly Planned[], around: Surroundings): Promise<Service[]> {
  const { root, folder, env, say, stopping, closing } = around;
  const logs = join(folder, 'logs');
  await mkdir(logs, { recursive: true });
  const logOf = (name: string) => join(logs, `${name}.log`);
  const services = plan.map(({ name, service, at }) => {
    const main = join(root, 'services', service, 'dist', 'main.js');
    const own = {
      ...env,
      // The addresses in `env` are what these files hold.
      REDIS_URL_FILE: '',
      MONGODB_URI_FILE: '',
      [PORT_VARIABLES[service]]: `${at.port}`,
      // All end together, and whoever stops them waits at a terminal.
      DRAIN_SECONDS: '0',
      MANAGEMENT_PORT: '',
      INTAKE_MANAGEMENT_PORT: '',
    };
    return new Service({ name, main, env: own, logFile: logOf(name), say });
  });
  closing.add(() => Promise.all(services.map((service) => service.stop())));
  for (const service of services) service.start();
  // Starts before the services are ready, because they may never be.
  for (const { name, service, at } of plan) {
    if (service !== 'ingest') continue;
    const watch = watchCounting({ address: at.address, logFile: logOf(name), say });
    closing.add(() => watch.stop());
  }
  const ready = ({ name, at: { address } }: Planned) =>
    waitUntilReady({ name, address, logFile: logOf(name) }, READY_TIMEOUT_MS, stopping);
  await Promise.all(plan.map(ready));
  return services;
}
