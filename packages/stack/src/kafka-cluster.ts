import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Engine, type EngineOptions, ownEngine } from './engine.ts';
import { kafkaDaemon, prepareFolder } from './kafka.ts';
import { formatOnce, type KafkaFiles, LOGS, obtainKafka } from './obtain/kafka.ts';
import { onFreePorts } from './ports.ts';

export interface KafkaCluster {
  readonly nodes: readonly Engine[];
  /** In the format of `KAFKA_BROKERS`. */
  readonly address: string;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const NODES = [1, 2, 3] as const;

/** Acknowledged records survive the loss of one node, and the others take records without it. */
const REPLICATION = [
  'default.replication.factor=3',
  'min.insync.replicas=2',
  'offsets.topic.replication.factor=3',
  'transaction.state.log.replication.factor=3',
  'transaction.state.log.min.isr=2',
  'share.coordinator.state.topic.replication.factor=3',
  'share.coordinator.state.topic.min.isr=2',
];

/** Starts a Kafka of three nodes, each both broker and controller. Rejects with StackError. */
export async function startKafkaCluster({ log, restart, ...given }: EngineOptions): Promise<KafkaCluster> {
  const dataDir = resolve(given.dataDir);
  const files = await obtainKafka(log);
  await mkdir(dataDir, { recursive: true });
  const names = NODES.flatMap((id) => [`broker-${id}`, `controller-${id}`]);
  return onFreePorts(dataDir, names, async (ports) => {
    const voters = NODES.map((id) => `${id}@127.0.0.1:${ports[`controller-${id}`]}`);
    const nodes = await Promise.all(
      NODES.map(async (id) => {
        const folder = join(dataDir, `node-${id}`);
        await prepareFolder(files, folder);
        await formatNode(files, folder, id);
        const port = ports[`broker-${id}`]!;
        const settings = [
          ...REPLICATION,
          `node.id=${id}`,
          `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${ports[`controller-${id}`]}`,
          `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
          `controller.quorum.voters=${voters}`,
        ];
        const options = { name: `kafka-${id}`, dataDir: folder, log, restart, port };
        const daemon = await kafkaDaemon(files, settings, options);
        return ownEngine({ name: 'kafka', address: `127.0.0.1:${port}`, dataDir: folder }, daemon);
      }),
    );
    const stop = async (signal?: NodeJS.Signals) => {
      await Promise.all(nodes.map((node) => node.stop(signal)));
    };
    // None is ready before a majority of the controllers is.
    const starts = await Promise.allSettled(nodes.map((node) => node.start()));
    const failed = starts.find((one) => one.status === 'rejected');
    if (failed === undefined) return { nodes, address: nodes.map(({ address }) => address).join(), stop };
    await stop('SIGKILL');
    throw failed.reason;
  });
}

/** The log directory that was formatted when Kafka was obtained belongs to node 1, and no two nodes may share its id. */
async function formatNode(files: KafkaFiles, folder: string, id: number): Promise<void> {
  await formatOnce(files, folder);
  const meta = join(folder, LOGS, 'meta.properties');
  const text = await readFile(meta, 'utf8');
  if (text.includes(`node.id=${id}\n`)) return;
  // Kafka's own ids never begin with a hyphen.
  const directory = `A${randomBytes(16).toString('base64url').slice(1)}`;
  await writeFile(
    meta,
    text
      .replace(/^node\.id=.*$/m, `node.id=${id}`)
      .replace(/^directory\.id=.*$/m, `directory.id=${directory}`),
  );
}
