import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { uniqueFolder } from './folder.ts';
import { startKafka } from './kafka.ts';
import { startMongo } from './mongo.ts';
import { fromEnvironment } from './stack.ts';

const SIGNALS: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Starts Kafka and Mongo and runs a command with their addresses in KAFKA_BROKERS and MONGODB_URI. Does not start an
 * engine whose variable is already set. Resolves with the command's exit status, as a shell reports it. Rejects with
 * StackError, or if the command does not exist.
 */
export async function withEngines(command: string, args: string[]): Promise<number> {
  const folder = await uniqueFolder();
  const log = (line: string) => console.error(line);
  const start = (name: 'kafka' | 'mongo', own: typeof startKafka) =>
    fromEnvironment(name) ?? own({ dataDir: folder.path(name), log });
  let child: ChildProcess | undefined;
  let asked: NodeJS.Signals | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    asked = signal;
    // The terminal sends a Ctrl-C to the command itself. A second SIGINT would make it stop harder.
    if (signal !== 'SIGINT') child?.kill(signal);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const tries = await Promise.allSettled([start('kafka', startKafka), start('mongo', startMongo)]);
  try {
    const [kafka, mongo] = tries.map((one) => {
      if (one.status === 'rejected') throw one.reason;
      return one.value.address;
    });
    if (asked !== undefined) return statusOf(asked);
    const env = { ...process.env, KAFKA_BROKERS: kafka, MONGODB_URI: mongo };
    child = spawn(command, args, { stdio: 'inherit', env });
    const [status, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return status ?? statusOf(signal ?? 'SIGKILL');
  } finally {
    await Promise.all(
      tries.map((one) => (one.status === 'fulfilled' ? one.value.stop('SIGKILL') : undefined)),
    );
    await folder.remove();
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}

function statusOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
