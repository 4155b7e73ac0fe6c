import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from './failure.ts';
import type { Io } from './io.ts';

type Environment = Io['env'];

/** What is read of the file that `npm start` or `npm run cluster` writes. */
interface StackFile {
  supervisor?: unknown;
  kafka?: unknown;
  topic?: unknown;
  redis?: unknown;
  redis_cluster?: unknown;
  mongo?: unknown;
  intake?: unknown;
  hook_keys_file?: unknown;
}

/**
 * The environment, with the engines of the `npm start` or `npm run cluster` that runs in `cwd` for those that it does
 * not name. A file that a killed one left behind is ignored, since its ports may belong to another process by now.
 * @throws CommandError STACK_UNREADABLE if the file belongs to another user
 */
export function withStackAddresses({ env, cwd }: Pick<Io, 'env' | 'cwd'>): Environment {
  // If everything is named, the file is not needed, and need not be readable.
  const isSet = (variable: string) => Boolean(env[variable] || env[`${variable}_FILE`]);
  const isNamed =
    isSet('KAFKA_BROKERS') && isSet('MONGODB_URI') && (isSet('REDIS_URL') || isSet('REDIS_CLUSTER_NODES'));
  const stack = isNamed ? undefined : runningStack(cwd);
  if (stack === undefined) return env;
  const { kafka, topic, redis, redis_cluster, mongo, intake, hook_keys_file } = stack;
  const filled: Record<string, string | undefined> = { ...env };
  const fill = (variable: string, value: unknown) => {
    if (!isSet(variable) && typeof value === 'string') filled[variable] = value;
  };
  // The topic belongs to these brokers; with other brokers its name would be a guess.
  if (!env.KAFKA_BROKERS) fill('KAFKA_TOPIC', topic);
  fill('KAFKA_BROKERS', kafka);
  if (!env.REDIS_CLUSTER_NODES) fill('REDIS_URL', redis);
  if (!env.REDIS_URL) fill('REDIS_CLUSTER_NODES', redis_cluster);
  fill('MONGODB_URI', mongo);
  fill('PUBLIC_URL', intake);
  if (!isSet('HOOK_KEYS')) fill('HOOK_KEYS_FILE', hook_keys_file);
  return filled;
}

function runningStack(cwd: string): StackFile | undefined {
  const file = join(cwd, '.calltally', 'stack.json');
  try {
    const stack = JSON.parse(readFileSync(file, 'utf8')) as StackFile;
    return isAlive(stack.supervisor) ? stack : undefined;
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    const remedy =
      'run this as the user who runs `npm start`, or set KAFKA_BROKERS, REDIS_URL and MONGODB_URI';
    throw new CommandError('STACK_UNREADABLE', `${file} cannot be read by this user; ${remedy}`);
  }
}

function isAlive(pid: unknown): boolean {
  if (typeof pid !== 'number') return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
