import { copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Daemon } from './daemon.ts';
import { type Engine, type EngineOptions, ownEngine } from './engine.ts';
import {
  type KafkaSecurity,
  SECURED_LISTENERS,
  type SecuredListener,
  scramUser,
  securedAddresses,
  securedSettings,
} from './kafka-listeners.ts';
import { formatOnce, JAVA_LOCALE, type KafkaFiles, LOGS, obtainKafka } from './obtain/kafka.ts';
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

type SecuredListeners = Readonly<Record<Exclude<SecuredListener, 'ipv6'>, string> & { ipv6?: string }>;

/** A Kafka with the listeners of `SECURED_LISTENERS` beside its plain one. */
export interface SecuredKafka extends Engine {
  /** `host:port` of each. */
  readonly listeners: SecuredListeners;
}

/** Starts a Kafka of one node that is both broker and controller. Rejects with StackError. */
export async function startKafka(options: EngineOptions): Promise<Engine> {
  return (await start(options)).engine;
}

/**
 * The same with TLS and a login. Its own address is the listener `login`. A later start in the same folder can change
 * the password for PLAIN only.
 */
export async function startSecuredKafka(
  options: EngineOptions & { security: KafkaSecurity },
): Promise<SecuredKafka> {
  const { engine, listeners } = await start(options, options.security);
  return Object.assign(engine, { listeners });
}

async function start(
  { log, restart, ...given }: EngineOptions,
  security?: KafkaSecurity,
): Promise<{ engine: Engine; listeners: Record<SecuredListener, string> }> {
  const dataDir = resolve(given.dataDir);
  const files = await obtainKafka(log);
  await prepareFolder(files, dataDir);
  await formatOnce(files, dataDir, security && scramUser(security.login));
  const secured = security === undefined ? [] : SECURED_LISTENERS;
  return onFreePorts(dataDir, ['broker', 'controller', ...secured], async (ports) => {
    const { broker: port, controller } = ports;
    const addresses = securedAddresses(secured, ports);
    const listeners = [
      `PLAINTEXT://127.0.0.1:${port}`,
      ...secured.map((name) => `${name.toUpperCase()}://${addresses[name]}`),
    ];
    const settings = [
      `listeners=${[...listeners, `CONTROLLER://127.0.0.1:${controller}`]}`,
      `advertised.listeners=${listeners}`,
      `controller.quorum.voters=1@127.0.0.1:${controller}`,
      ...(security === undefined ? [] : await securedSettings(security, dataDir)),
    ];
    const daemon = await kafkaDaemon(files, settings, { name: 'kafka', dataDir, log, restart, port });
    await daemon.start();
    const address = addresses.login ?? `127.0.0.1:${port}`;
    return { engine: ownEngine({ name: 'kafka', address, dataDir }, daemon), listeners: addresses };
  });
}

/** Puts what every node needs into its folder. */
export async function prepareFolder(files: KafkaFiles, dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  // Java reads paths from a list of folders, a class path, a Latin-1 file and a URL. Each has its own separators and
  // escapes, so all paths are relative: then the path of the folder itself may contain any character.
  await copyFile(files.log4j, join(dataDir, 'log4j2.properties'));
  await rm(join(dataDir, 'jars'), { force: true });
  await symlink(files.jars, join(dataDir, 'jars'));
}

interface NodeOptions extends EngineOptions {
  /** For log lines and errors. */
  name: string;
  /** Of the plain listener. */
  port: number;
}

/** One node, with `settings` in addition to infra/kafka/server.properties, and instead of the same settings there. */
export async function kafkaDaemon(
  files: KafkaFiles,
  settings: readonly string[],
  { port, ...options }: NodeOptions,
): Promise<Daemon> {
  const all = [await readFile(files.settings, 'utf8'), `log.dirs=${LOGS}`, ...settings];
  await writeFile(join(options.dataDir, 'server.properties'), `${all.join('\n')}\n`);
  const main = ['kafka.Kafka', 'server.properties'];
  return new Daemon({
    ...options,
    command: files.java,
    env: JAVA_LOCALE,
    args: [...JVM, '-Dlog4j2.configurationFile=log4j2.properties', '-cp', 'jars/*', ...main],
    isReady: () => servesTopics(port),
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
