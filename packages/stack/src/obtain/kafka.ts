import { createHash } from 'node:crypto';
import { copyFile, cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StackError } from '../errors.ts';
import { cacheDir, isObtained, obtained } from './cache.ts';
import { run } from './command.ts';
import { JAVA, MAVEN, obtainTool, obtainTools, type Tool } from './tools.ts';

export interface KafkaFiles {
  java: string;
  /** Folder with only Kafka's jars. */
  jars: string;
  /** A freshly formatted log directory, to be copied. */
  formatted: string;
  /** Settings file without addresses and folders. */
  settings: string;
  log4j: string;
}

const HOME = fileURLToPath(new URL('../../../../infra/kafka/', import.meta.url));
const POM = join(HOME, 'pom.xml');
const SETTINGS = join(HOME, 'server.properties');
/** Name of the log directory in a broker's folder. */
export const LOGS = 'logs';

/** In a POSIX locale, Java reads file names as ASCII and cannot find one with an `ü`. */
export const JAVA_LOCALE = { LC_ALL: 'C.UTF-8' };

/** The tools that must be installed. */
export async function kafkaTools(): Promise<Tool[]> {
  return (await isObtained(cacheDir(), await cacheName())) ? [JAVA] : [JAVA, MAVEN];
}

/** Finds Java on PATH and obtains Kafka's jars, pinned in infra/kafka/pom.xml, with Maven. Rejects with StackError. */
export async function obtainKafka(log: (line: string) => void = () => {}): Promise<KafkaFiles> {
  const [java] = await obtainTools(await kafkaTools(), log);
  const folder = await obtained(cacheDir(), await cacheName(), async (draft) => {
    log('kafka: downloading it with Maven (43 MB)');
    await copyJars(await obtainTool(MAVEN, log), draft);
    await format(java!, draft, 'formatted');
    log('kafka: downloaded');
  });
  return {
    java: java!,
    jars: join(folder, 'jars'),
    formatted: join(folder, 'formatted'),
    settings: SETTINGS,
    log4j: join(HOME, 'log4j2.properties'),
  };
}

async function cacheName(): Promise<string> {
  const recipe = createHash('sha256')
    .update(await readFile(POM))
    .update(await readFile(SETTINGS));
  return `kafka-${recipe.digest('hex').slice(0, 12)}`;
}

/** Paths are relative to the draft, so special characters in the path of the cache do not reach Maven and Java. */
async function copyJars(maven: string, draft: string): Promise<void> {
  const remedy = 'check that Maven can reach its repository, or set KAFKA_BROKERS';
  const args = ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=jars'];
  try {
    await copyFile(POM, join(draft, 'pom.xml'));
    await run(maven, args, { cwd: draft, env: JAVA_LOCALE });
    await rm(join(draft, 'pom.xml'));
  } catch (error) {
    throw new StackError('STACK_UNAVAILABLE', 'kafka', (error as Error).message, remedy, error);
  }
  // Without this check, an empty jar shows only later, as a missing class.
  for (const jar of await readdir(join(draft, 'jars'))) {
    if ((await stat(join(draft, 'jars', jar))).size > 0) continue;
    throw new StackError('STACK_UNAVAILABLE', 'kafka', `the downloaded ${jar} is empty`, remedy);
  }
}

/**
 * Formats the log directory `logs` in a folder that has Kafka's `jars`. Paths are relative to the folder.
 * @param options for Kafka's storage tool, such as users to create
 */
async function format(
  java: string,
  folder: string,
  logs: string,
  options: readonly string[] = [],
): Promise<void> {
  const config = join(folder, 'format.properties');
  await mkdir(join(folder, logs), { recursive: true });
  const lines = [
    'listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093',
    'controller.quorum.voters=1@127.0.0.1:9093',
    `log.dirs=${logs}`,
  ];
  await writeFile(config, `${await readFile(SETTINGS, 'utf8')}\n${lines.join('\n')}\n`);
  const tool = ['kafka.tools.StorageTool', 'format', '--cluster-id', 'Y2FsbHRhbGx5LWxvY2FsLQ'];
  const args = ['-Xmx128m', '-cp', 'jars/*', ...tool, '--config', 'format.properties', ...options];
  await run(java, args, { cwd: folder, env: JAVA_LOCALE });
  await rm(config);
}

/**
 * Creates the formatted log directory in a broker's folder unless it exists. Formatting has to start Java, so a broker
 * without options gets a copy of the directory that was formatted when Kafka was obtained.
 */
export async function formatOnce(
  files: KafkaFiles,
  folder: string,
  options?: readonly string[],
): Promise<void> {
  const logs = join(folder, LOGS);
  if (await stat(join(logs, 'meta.properties')).catch(() => undefined)) return;
  if (options !== undefined) return format(files.java, folder, LOGS, options);
  await cp(files.formatted, logs, { recursive: true });
}
