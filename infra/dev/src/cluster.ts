import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Balancer, type ClusterStack, startBalancer, startClusterStack } from '@calltally/stack';
import { openStore } from '@calltally/store';
import { startDemo } from './demo/feed.ts';
import { hookKeysFile } from './hook-keys.ts';
import { prepareEngines, topicNames } from './kafka.ts';
import { takeLock } from './lock.ts';
import { parseOptions } from './options.ts';
import { choosePort, type Listening, type ServiceName } from './ports.ts';
import { announcement, type ClusterDescription, StackFile } from './stack-file.ts';
import { type Planned, startServices } from './start-services.ts';
import { type Surroundings, say, supervise, timed } from './supervise.ts';

const HOST = '127.0.0.1';
const INGESTS = 3;
const APIS = 2;
const BALANCER_PORT = 3000;
const INGEST_PORT = 3001;
const API_PORT = 3011;
const INTAKE_PORT = 3021;
/** Settings of other engines must not reach the services. */
const FOREIGN = /^(KAFKA|REDIS|MONGODB|HOOK)_/;
const STORE_LIMITS = { timeoutMs: 30_000, selectionTimeoutMs: 10_000 };

/**
 * Runs calltally as a cluster on this machine until this process is asked to stop: three brokers, a Redis Cluster,
 * Mongo, three ingest, two API processes behind a balancer, and intake.
 *
 * @param root the folder of the repository; data and logs are in its `.calltally/cluster`
 * @returns the exit status: 0 after a request to stop, 1 after a failure, which it has printed
 * @throws file system errors
 */
export function startCluster(root: string, args: readonly string[]): Promise<number> {
  return supervise(root, args, run);
}

async function run({ root, args, stopping, closing }: Surroundings): Promise<void> {
  const options = parseOptions(args, 'npm run cluster');
  const folder = join(root, '.calltally', 'cluster');
  await mkdir(folder, { recursive: true });
  closing.add(await takeLock(join(root, '.calltally', 'start.lock')));
  const stackFile = join(root, '.calltally', 'stack.json');
  await rm(stackFile, { force: true });
  const { port, plan } = await choosePorts();
  const intake = plan.find(({ service }) => service === 'intake')!.at.address;

  const engines = await timed('three brokers, Redis Cluster 3 + 3, Mongo', () =>
    startClusterStack({ dataDir: folder, restart: true, log: say }),
  );
  closing.add(() => engines.stop());
  stopping.throwIfAborted();

  const kafka = { brokers: engines.kafka.address.split(','), ssl: false };
  const topics = topicNames({});
  const mongo = `${engines.mongo.address}/calltally`;
  const store = openStore({ uri: mongo, ...STORE_LIMITS });
  closing.add(() => store.close());
  await timed('topics and indexes', () => prepareEngines(kafka, topics, store));
  stopping.throwIfAborted();

  const shared = { folder, say, stopping, closing };
  const keysFile = await hookKeysFile(join(root, '.calltally'), {});
  const env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN.test(name))),
    HOST,
    KAFKA_BROKERS: engines.kafka.address,
    REDIS_CLUSTER_NODES: engines.redis.addresses,
    MONGODB_URI: mongo,
    // The balancer says for whom it asks.
    TRUST_PROXY: HOST,
    HOOK_KEYS_FILE: keysFile ?? undefined,
    PUBLIC_URL: intake,
  };
  const services = await timed('three ingest, two api, intake', () =>
    startServices(plan, { ...shared, root, env }),
  );
  const balancer = await startBalancer({
    dataDir: join(folder, 'balancer'),
    port,
    backends: plan.filter(({ service }) => service === 'api').map(({ at }) => at.port),
    restart: true,
    log: say,
  });
  closing.add(() => balancer.stop());
  const demo = options.demo
    ? await timed('demo calls', () => startDemo({ ...shared, store, api: balancer.address, intake }))
    : null;

  const processes = () =>
    processesOf(
      engines,
      balancer,
      plan.map(({ name, at }, i) => ({ name, address: at.address, pid: services[i]?.pid })),
    );
  const whatRuns = () =>
    Object.entries(processes()).map(([name, { address }]) => `  ${name.padEnd(10)} ${address}`);
  const file = new StackFile(stackFile, () => ({
    api: balancer.address,
    intake,
    kafka: engines.kafka.address,
    topic: topics.topic,
    redis_cluster: engines.redis.addresses,
    mongo,
    processes: processes(),
    demo,
    hook_keys_file: keysFile,
    supervisor: process.pid,
  }));
  closing.add(() => file.stop());
  await file.start();
  say('');
  for (const line of whatRuns()) say(line);
  for (const line of announcement({ api: balancer.address, intake, demo }, '.calltally/cluster/logs'))
    say(line);
  if (!stopping.aborted) await once(stopping, 'abort');
}

/** Before anything starts, so that an unavailable port is reported immediately. @throws DevError DEV_PORT */
async function choosePorts(): Promise<{ port: number; plan: Planned[] }> {
  const reserved: number[] = [];
  const choose = async (usual: number, value?: string) => {
    const port = await choosePort({ variable: 'PORT', value, usual, host: HOST, reserved });
    reserved.push(port);
    return port;
  };
  const port = await choose(BALANCER_PORT, process.env.PORT);
  const plan: Planned[] = [];
  const add = async (service: ServiceName, count: number, usual: number) => {
    for (let i = 1; i <= count; i++) {
      const chosen = await choose(usual);
      const at: Listening = { port: chosen, address: `http://${HOST}:${chosen}` };
      plan.push({ name: `${service}-${i}`, service, at });
    }
  };
  await add('ingest', INGESTS, INGEST_PORT);
  await add('api', APIS, API_PORT);
  await add('intake', 1, INTAKE_PORT);
  return { port, plan };
}

interface Process {
  name: string;
  address: string;
  pid: number | undefined;
}

function processesOf(
  { kafka, redis, mongo }: ClusterStack,
  balancer: Balancer,
  services: readonly Process[],
): ClusterDescription['processes'] {
  const named = (name: string, { address, pid }: Omit<Process, 'name'>) => ({ name, address, pid });
  const all: Process[] = [
    named('balancer', balancer),
    ...services,
    ...kafka.nodes.map((node, i) => named(`kafka-${i + 1}`, node)),
    ...redis.nodes.map((node, i) => named(`redis-${i + 1}`, node)),
    named('mongo', mongo),
  ];
  return Object.fromEntries(all.map(({ name, address, pid }) => [name, { address, pid: pid ?? null }]));
}
