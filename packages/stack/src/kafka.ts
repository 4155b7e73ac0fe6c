import { copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Daemon } from './daemon.ts';
import { type Engine, type EngineOptions, ownEngine } from './engine.ts';
import { type Login, scramUser, securedListener } from './kafka-login.ts';
import { formatOnce, JAVA_LOCALE, LOGS, obtainKafka } from './obtain/kafka.ts';
import { onFreePorts } from './ports.ts';
import { probe } from './probe.ts';

// For a fast start and little memory.
const JVM = [
  '-Xms128m',
  '-Xmx512m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Djava.awt.headless=true',
];

interface KafkaOptions extends EngineOptions {
  /**
   * If given, the address speaks only SASL_SSL and accepts this user by PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512. Clients
   * trust `ca.pem` in `dataDir`. A later start in the same folder can change the password for PLAIN only.
   */
  login?: Login | undefined;
}

/** Starts a Kafka of one node that is both broker and controller. Rejects with StackError. */
export async function startKafka({ log, restart, login, ...given }: KafkaOptions): Promise<Engine> {
  const dataDir = resolve(given.dataDir);
  const files = await obtainKafka(log);
  await mkdir(dataDir, { recursive: true });
  // Java reads paths from a list of folders, a class path, a Latin-1 file and a URL. Each has its own separators and
  // escapes, so all paths are relative: then the path of the folder itself may contain any character.
  await copyFile(files.log4j, join(dataDir, 'log4j2.properties'));
  await rm(join(dataDir, 'jars'), { force: true });
  await symlink(files.jars, join(dataDir, 'jars'));
  await formatOnce(files, dataDir, login && scramUser(login));
  const names = ['broker', 'controller', ...(login ? (['secured'] as const) : [])] as const;
  return onFreePorts(dataDir, names, async ({ broker: port, controller, secured }) => {
    const listeners = [
      `PLAINTEXT://127.0.0.1:${port}`,
      ...(login ? [`SASL_SSL://127.0.0.1:${secured}`] : []),
    ];
    const own = [
      `listeners=${[...listeners, `CONTROLLER://127.0.0.1:${controller}`]}`,
      `advertised.listeners=${listeners}`,
      `controller.quorum.voters=1@127.0.0.1:${controller}`,
      `log.dirs=${LOGS}`,
      ...(login ? await securedListener(login, dataDir) : []),
    ];
    const settings = `${await readFile(files.settings, 'utf8')}\n${own.join('\n')}\n`;
    await writeFile(join(dataDir, 'server.properties'), settings);
    const daemon = new Daemon({
      name: 'kafka',
      dataDir,
      log,
      restart,
      command: files.java,
      env: JAVA_LOCALE,
      args: [
        ...JVM,
        '-Dlog4j2.configurationFile=log4j2.properties',
        '-cp',
        'jars/*',
        'kafka.Kafka',
        'server.properties',
      ],
      isReady: () => servesTopics(port),
    });
    await daemon.start();
    return ownEngine({ name: 'kafka', address: `127.0.0.1:${login ? secured : port}`, dataDir }, daemon);
  });
}

/**
 * The port opens before the broker may lead partitions. It is ready when its reply to a Metadata request lists it as a
 * broker (version 4: length, correlation id, throttle time, count of brokers).
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
