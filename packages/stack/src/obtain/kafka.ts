import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StackError } from '../errors.ts';
import { cacheDir, obtained } from './cache.ts';
import { run, which } from './command.ts';

export interface KafkaFiles {
  java: string;
  /** Folder with Kafka's jars and nothing else. */
  jars: string;
  /** Folder with a freshly formatted log directory, to be copied. */
  formatted: string;
  /** Settings without addresses and folders. */
  settings: string;
  log4j: string;
}

const HOME = fileURLToPath(new URL('../../../../infra/kafka/', import.meta.url));
const JAVA_MIN = 17;

/** Java from PATH, Kafka's jars from Maven as infra/kafka/pom.xml pins them. Rejects with StackError. */
export async function obtainKafka(log: (line: string) => void = () => {}): Promise<KafkaFiles> {
  const java = await findJava();
  const settings = join(HOME, 'server.properties');
  const pom = join(HOME, 'pom.xml');
  const recipe = createHash('sha256')
    .update(await readFile(pom))
    .update(await readFile(settings));
  const folder = await obtained(cacheDir(), `kafka-${recipe.digest('hex').slice(0, 12)}`, async (draft) => {
    log('kafka: obtaining it from Maven (43 MB)');
    await copyJars(pom, join(draft, 'jars'));
    await format({ java, jars: join(draft, 'jars'), settings }, join(draft, 'formatted'));
    log('kafka: obtained');
  });
  return {
    java,
    jars: join(folder, 'jars'),
    formatted: join(folder, 'formatted'),
    settings,
    log4j: join(HOME, 'log4j2.properties'),
  };
}

async function findJava(): Promise<string> {
  const remedy = `install Java ${JAVA_MIN} or newer (Debian: apt-get install openjdk-17-jre-headless), or set KAFKA_BROKERS`;
  const java = await which('java');
  if (java === undefined) throw new StackError('STACK_UNAVAILABLE', 'kafka', 'java is not on PATH', remedy);
  const said = await run(java, ['-version']);
  if (Number(/version "(\d+)/.exec(said)?.[1]) >= JAVA_MIN) return java;
  throw new StackError('STACK_UNAVAILABLE', 'kafka', `${java} is too old: ${said}`, remedy);
}

async function copyJars(pom: string, folder: string): Promise<void> {
  const remedy = 'install Maven and let it reach its repository, or set KAFKA_BROKERS';
  const maven = await which('mvn');
  if (maven === undefined) throw new StackError('STACK_UNAVAILABLE', 'kafka', 'mvn is not on PATH', remedy);
  try {
    await run(maven, ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`]);
  } catch (error) {
    throw new StackError('STACK_UNAVAILABLE', 'kafka', (error as Error).message, remedy, error);
  }
  // A jar that was cut short would only show when a class is missing.
  for (const jar of await readdir(folder)) {
    if ((await stat(join(folder, jar))).size > 0) continue;
    throw new StackError('STACK_UNAVAILABLE', 'kafka', `${jar} came empty`, remedy);
  }
}

/** @param options of Kafka's own tool, such as users that the first start shall know */
async function format(
  { java, jars, settings }: Pick<KafkaFiles, 'java' | 'jars' | 'settings'>,
  folder: string,
  options: readonly string[] = [],
): Promise<void> {
  const config = `${folder}.properties`;
  await mkdir(folder, { recursive: true });
  const lines = [
    'listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093',
    'controller.quorum.voters=1@127.0.0.1:9093',
    `log.dirs=${folder}`,
  ];
  await writeFile(config, `${await readFile(settings, 'utf8')}\n${lines.join('\n')}\n`);
  const tool = [
    'kafka.tools.StorageTool',
    'format',
    '--cluster-id',
    'Y2FsbHRhbGx5LWxvY2FsLQ',
    '--config',
    config,
    ...options,
  ];
  await run(java, ['-Xmx128m', '-cp', join(jars, '*'), ...tool]);
  await rm(config);
}

/**
 * Makes `folder` a broker's log directory unless it is one. Formatting takes a Java start; without options, that was
 * done once when Kafka was obtained, and a new broker is a copy away.
 */
export async function formatOnce(
  files: KafkaFiles,
  folder: string,
  options?: readonly string[],
): Promise<void> {
  if (await stat(join(folder, 'meta.properties')).catch(() => undefined)) return;
  if (options !== undefined) return format(files, folder, options);
  await cp(files.formatted, folder, { recursive: true });
}
