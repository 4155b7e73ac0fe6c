import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Io } from './io.ts';

type Environment = Io['env'];

/** As much of the file that `npm start` writes as is taken here. */
interface StackFile {
  supervisor?: unknown;
  kafka?: unknown;
  topic?: unknown;
  redis?: unknown;
  mongo?: unknown;
}

/**
 * The environment, and where it names no engine, the engines of the `npm start` that runs in `cwd`. A file that a
 * killed `npm start` left behind is not taken: its ports may be another process's by now.
 */
export function withStackAddresses({ env, cwd }: Pick<Io, 'env' | 'cwd'>): Environment {
  const stack = runningStack(cwd);
  if (stack === undefined) return env;
  const { kafka, topic, redis, mongo } = stack;
  const filled: Record<string, string | undefined> = { ...env };
  const fill = (variable: string, value: unknown) => {
    if (!filled[variable] && typeof value === 'string') filled[variable] = value;
  };
  // The topic belongs to the brokers: on others its name would be a guess.
  if (!env.KAFKA_BROKERS) fill('KAFKA_TOPIC', topic);
  fill('KAFKA_BROKERS', kafka);
  if (!env.REDIS_CLUSTER_NODES) fill('REDIS_URL', redis);
  fill('MONGODB_URI', mongo);
  return filled;
}

function runningStack(cwd: string): StackFile | undefined {
  try {
    const stack = JSON.parse(readFileSync(join(cwd, '.calltally', 'stack.json'), 'utf8')) as StackFile;
    return isAlive(stack.supervisor) ? stack : undefined;
  } catch {
    return undefined;
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
