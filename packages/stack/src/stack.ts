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
  /** Ends those that were started here. */
  stop(): Promise<void>;
}

/** The variables that name an engine somebody else runs; such a one is left alone. */
const VARIABLES = { kafka: 'KAFKA_BROKERS', redis: 'REDIS_URL', mongo: 'MONGODB_URI' } as const;

/** The engine that its environment variable names, if any. */
export function fromEnvironment(name: EngineName): Engine | undefined {
  const address = process.env[VARIABLES[name]];
  return address ? externalEngine(name, address) : undefined;
}

/**
 * The three engines, each in its own folder below `dataDir`; one whose variable is set is taken as it is. When
 * one cannot be had the others are ended again. Rejects with StackError.
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
