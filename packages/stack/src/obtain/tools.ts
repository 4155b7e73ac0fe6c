import { StackError } from '../errors.ts';
import { run, which } from './command.ts';
import { canInstall, installPackages } from './debian.ts';

/** A command that must be installed on the machine. */
export interface Tool {
  /** What needs it, for errors and log lines. */
  engine: string;
  /** Its name for people. */
  name: string;
  /** Any one of these is enough. */
  commands: readonly string[];
  /** The Debian packages that contain it. Empty if there are none. */
  packages: readonly string[];
  /** A service of the package that must not run. */
  service?: string;
  /** The environment variable that makes it unnecessary. */
  variable?: string;
  /** The lowest major version, and how to ask for the version and read it from the output. */
  major?: { min: number; of: RegExp; asked: readonly string[] };
}

export const JAVA: Tool = {
  engine: 'kafka',
  name: 'Java 17 or newer',
  commands: ['java'],
  packages: ['default-jre-headless'],
  variable: 'KAFKA_BROKERS',
  major: { min: 17, of: /version "(\d+)/, asked: ['-version'] },
};

export const MAVEN: Tool = {
  engine: 'kafka',
  name: 'Maven',
  commands: ['mvn'],
  packages: ['maven'],
  variable: 'KAFKA_BROKERS',
};

export const REDIS: Tool = {
  engine: 'redis',
  name: 'Redis or Valkey 7 or newer',
  commands: ['redis-server', 'valkey-server'],
  packages: ['redis-server'],
  service: 'redis-server',
  variable: 'REDIS_URL',
  major: { min: 7, of: /v=(\d+)\./, asked: ['--version'] },
};

export const REDIS_CLI: Tool = {
  engine: 'redis',
  name: 'redis-cli 7 or newer',
  commands: ['redis-cli', 'valkey-cli'],
  packages: ['redis-tools'],
  major: { min: 7, of: /-cli (\d+)\./, asked: ['--version'] },
};

export const GO: Tool = {
  engine: 'mongo',
  name: 'mongod 6 or newer, or Go',
  commands: ['go'],
  // Go downloads over TLS, but its package does not depend on the CA certificates.
  packages: ['golang-go', 'ca-certificates'],
  variable: 'MONGODB_URI',
};

export const APT: Tool = {
  engine: 'mongo',
  name: 'mongod 6 or newer',
  commands: ['apt-get'],
  packages: [],
  variable: 'MONGODB_URI',
};

export const SETPRIV: Tool = {
  engine: 'mongo',
  name: 'setpriv of util-linux',
  commands: ['setpriv'],
  packages: ['util-linux'],
  variable: 'MONGODB_URI',
};

export const CHROMIUM: Tool = {
  engine: 'chromium',
  name: 'Chromium 123 or newer',
  commands: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
  packages: ['chromium'],
  major: { min: 123, of: / (\d+)\.\d+/, asked: ['--version'] },
};

export const KCAT: Tool = {
  engine: 'kcat',
  name: 'kcat',
  commands: ['kcat', 'kafkacat'],
  packages: ['kcat'],
};

export const NGINX: Tool = {
  engine: 'nginx',
  name: 'nginx 1.20 or newer',
  commands: ['nginx'],
  packages: ['nginx'],
  service: 'nginx',
};

export const HAPROXY: Tool = {
  engine: 'haproxy',
  name: 'HAProxy 2.2 or newer',
  commands: ['haproxy'],
  packages: ['haproxy'],
  service: 'haproxy',
};

export const PROMETHEUS: Tool = {
  engine: 'prometheus',
  name: 'Prometheus 2.42 or newer, with promtool',
  commands: ['prometheus'],
  packages: ['prometheus'],
  service: 'prometheus',
};

export const PROMTOOL: Tool = { ...PROMETHEUS, commands: ['promtool'] };

/** `obtainTools` for one tool. Returns its path. */
export async function obtainTool(tool: Tool, log: (line: string) => void = () => {}): Promise<string> {
  return (await obtainTools([tool], log))[0]!;
}

/**
 * Returns the path of each tool. As root, installs missing ones from Debian. Rejects with one StackError that lists all
 * tools that are still missing.
 */
export async function obtainTools(tools: readonly Tool[], log: (line: string) => void): Promise<string[]> {
  const { found, missing } = await look(tools);
  if (missing.length === 0) return found;
  const installable = missing.filter(({ tool }) => tool.packages.length > 0);
  if (installable.length > 0 && (await canInstall())) {
    for (const { tool } of installable) {
      log(`${tool.engine}: installing ${tool.packages.join(', ')} from Debian`);
    }
    const wanted = installable.map(({ tool }) => tool);
    await installPackages(
      wanted.flatMap(({ packages }) => packages),
      wanted.flatMap(({ service }) => service ?? []),
    ).catch((error: Error) => {
      throw unavailable(wanted, error.message, error);
    });
  }
  const now = await look(tools);
  if (now.missing.length === 0) return now.found;
  throw unavailable(
    now.missing.map(({ tool }) => tool),
    now.missing.map(({ problem }) => problem).join(', '),
  );
}

async function look(tools: readonly Tool[]) {
  const found: string[] = [];
  const missing: { tool: Tool; problem: string }[] = [];
  for (const tool of tools) {
    const command = await which(...tool.commands);
    const problem = await problemOf(tool, command);
    if (problem !== undefined) missing.push({ tool, problem });
    else found.push(command!);
  }
  return { found, missing };
}

async function problemOf(
  { commands, major }: Tool,
  command: string | undefined,
): Promise<string | undefined> {
  if (command === undefined) {
    return commands.length === 1
      ? `${commands[0]} is not on PATH`
      : `none of ${commands.join(', ')} is on PATH`;
  }
  if (major === undefined) return undefined;
  try {
    const said = await run(command, [...major.asked]);
    return Number(major.of.exec(said)?.[1]) >= major.min ? undefined : `${command} is too old: ${said}`;
  } catch (error) {
    // For example a placeholder that only says how to install the tool.
    return (error as Error).message;
  }
}

function unavailable(tools: readonly Tool[], problem: string, cause?: unknown): StackError {
  const each = (values: (string | undefined)[]) => [...new Set(values.filter((one) => one !== undefined))];
  const packages = each(tools.flatMap((tool) => tool.packages));
  const variables = each(tools.map(({ variable }) => variable));
  const names = each(tools.map(({ name }) => name)).join('; ');
  const debian = packages.length > 0 ? ` (Debian: apt-get install ${packages.join(' ')})` : '';
  const instead = variables.length > 0 ? `, or set ${variables.join(', ')}` : '';
  const engines = each(tools.map(({ engine }) => engine)).join(', ');
  return new StackError('STACK_UNAVAILABLE', engines, problem, `install ${names}${debian}${instead}`, cause);
}
