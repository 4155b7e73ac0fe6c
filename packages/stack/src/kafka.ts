import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Daemon } from './daemon.ts';
import type { Engine, EngineOptions } from './engine.ts';
import { formatOnce, obtainKafka } from './obtain/kafka.ts';
import { onFreePorts } from './ports.ts';
import { probe } from './probe.ts';

// A broker for development: fast to start, small in memory.
const JVM = [
  '-Xms128m',
  '-Xmx512m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Djava.awt.headless=true',
];

/** A Kafka of its own: one node, broker and controller. Rejects with StackError. */
export async function startKafka({ log, restart, ...given }: EngineOptions): Promise<Engine> {
  const dataDir = resolve(given.dataDir);
  const files = await obtainKafka(log);
  const logs = join(dataDir, 'logs');
  await mkdir(dataDir, { recursive: true });
  await formatOnce(files.formatted, logs);
  return onFreePorts(dataDir, ['broker', 'controller'], async ({ broker: port, controller }) => {
    const config = join(dataDir, 'server.properties');
    const own = [
      `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
      `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
      `controller.quorum.voters=1@127.0.0.1:${controller}`,
      `log.dirs=${logs}`,
    ];
    await writeFile(config, `${await readFile(files.settings, 'utf8')}\n${own.join('\n')}\n`);
    const daemon = new Daemon({
      name: 'kafka',
      dataDir,
      log,
      restart,
      command: files.java,
      args: [
        ...JVM,
        `-Dlog4j2.configurationFile=${files.log4j}`,
        `-cp`,
        join(files.jars, '*'),
        'kafka.Kafka',
        config,
      ],
      isReady: () => servesTopics(port),
    });
    await daemon.start();
    return {
      name: 'kafka' as const,
      address: `127.0.0.1:${port}`,
      external: false,
      dataDir,
      get pid() {
        return daemon.pid;
      },
      start: () => daemon.start(),
      stop: (signal) => daemon.stop(signal),
    };
  });
}

/**
 * The port opens before the controller lets the broker lead partitions. Only then does the broker name itself
 * in its answer to a Metadata request (version 4: length, correlation id, throttle time, count of brokers).
 */
function servesTopics(port: number): Promise<boolean> {
  const client = 'stack';
  const request = Buffer.alloc(4 + 10 + client.length + 5);
  request.writeInt32BE(request.length - 4, 0);
  request.writeInt16BE(3, 4); // Metadata
  request.writeInt16BE(4, 6);
  request.writeInt16BE(client.length, 12);
  request.write(client, 14);
  return probe(port, request, (reply) => (reply.length < 16 ? undefined : reply.readInt32BE(12) > 0));
}
