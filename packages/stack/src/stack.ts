import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Engine, type EngineOptions, externalEngine } from './engine.ts';
import type { EngineName } from './errors.ts';
import { startKafka } from './kafka.ts';
import { startMongo } from './mongo.ts';
import { startRedis } from './redis.ts';

export interface Stack {
  kafka: Engine;
  redis: Engine;
  mongo: Engine;
  /** Stops the engines that were started here. */
  stop(): Promise<void>;
}

/**
 * The environment variables that name external engines, or, with `_FILE` behind it, a file that does. Such an engine is
 * not started or stopped here.
 */
const VARIABLES = { kafka: 'KAFKA_BROKERS', redis: 'REDIS_URL', mongo: 'MONGODB_URI' } as const;

/** The external engine that the environment variable names, if it is set. */
export function fromEnvironment(name: EngineName): Engine | undefined {
  const variable = VARIABLES[name];
  const file = process.env[`${variable}_FILE`];
  const address = process.env[variable] || (file && readFileSync(file, 'utf8').trim());
  return address ? externalEngine(name, address) : undefined;
}

/**
 * Starts the three engines, each in its own folder in `dataDir`. Uses the external engine instead if its variable is
 * set. If one fails to start, stops the others and rejects with StackError.
 */
export async function startStack({ dataDir, log, restart }: EngineOptions): Promise<Stack> {
  const own = (name: EngineName, start: (options: EngineOptions) => Promise<Engine>) =>
    fromEnvironment(name) ?? start({ dataDir: join(dataDir, name), log, restart });
  const tries = await Promise.allSettled([
    own('kafka', startKafka),
    own('redis', startRedis),
    own('mongo', startMongo),
  ]);
  const engines = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const stop = async () => void (await Promise.all(engines.map((engine) => engine.stop())));
  const failed = tries.find((one) => one.status === 'rejected');
  const [kafka, redis, mongo] = engines;
  if (failed === undefined) return { kafka: kafka!, redis: redis!, mongo: mongo!, stop };
  await stop();
  throw failed.reason;
}
