import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Closing } from './closing.ts';
import { choosePort } from './ports.ts';
import { waitUntilReady } from './ready.ts';
import { Service } from './service.ts';

export interface RunningService {
  service: Service;
  /** `http://127.0.0.1:PORT` */
  address: string;
}

interface Surroundings {
  root: string;
  folder: string;
  addresses: { kafka: string; redis: string; mongo: string };
  say(line: string): void;
  stopping: AbortSignal;
  closing: Closing;
}

const API_PORT = 3000;
const INGEST_PORT = 3001;
const READY_TIMEOUT_MS = 60_000;
const EVERYWHERE = ['0.0.0.0', '::'];

/** Starts the API and ingest, and resolves when both are ready. @throws DevError */
export async function startServices(
  around: Surroundings,
): Promise<{ api: RunningService; ingest: RunningService }> {
  const { root, folder, addresses, say, stopping, closing } = around;
  const logs = join(folder, 'logs');
  await mkdir(logs, { recursive: true });
  const host = process.env.HOST || '127.0.0.1';
  const here = EVERYWHERE.includes(host) ? '127.0.0.1' : host;
  const env = process.env;

  const port = await choosePort({ variable: 'PORT', value: env.PORT, usual: API_PORT, host });
  const ingestPort = await choosePort({
    variable: 'INGEST_PORT',
    value: env.INGEST_PORT,
    usual: INGEST_PORT,
    host,
    reserved: [port],
  });
  if (!env.PORT && port !== API_PORT) {
    say(`port ${API_PORT} is taken, so the API listens on ${port}; set PORT to choose another`);
  }

  const shared = {
    ...env,
    KAFKA_BROKERS: addresses.kafka,
    REDIS_URL: addresses.redis,
    MONGODB_URI: addresses.mongo,
    PORT: `${port}`,
    INGEST_PORT: `${ingestPort}`,
  };
  const run = (name: string, at: number): RunningService & { name: string; logFile: string } => {
    const logFile = join(logs, `${name}.log`);
    const main = join(root, 'services', name, 'dist', 'main.js');
    const service = new Service({ name, main, env: shared, logFile, say });
    return { name, service, address: `http://${here}:${at}`, logFile };
  };
  const both = [run('api', port), run('ingest', ingestPort)] as const;
  closing.add(() => Promise.all(both.map(({ service }) => service.stop())));
  for (const { service } of both) service.start();
  await Promise.all(both.map((one) => waitUntilReady(one, READY_TIMEOUT_MS, stopping)));
  return { api: both[0], ingest: both[1] };
}
