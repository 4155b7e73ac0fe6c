import type { EngineName } from '../errors.ts';
import { obtainMongo } from '../mongo.ts';
import { fromEnvironment } from '../stack.ts';
import { obtainKafka } from './kafka.ts';
import { obtainRedis } from './redis.ts';

/**
 * Fetches what the engines need that no variable names, so that starting them needs no network. Each is tried
 * before the first that cannot be had is reported. Rejects with StackError.
 */
export async function obtainEngines(log?: (line: string) => void): Promise<void> {
  const obtain: Record<EngineName, (log?: (line: string) => void) => Promise<unknown>> = {
    redis: obtainRedis,
    kafka: obtainKafka,
    mongo: obtainMongo,
  };
  const wanted = (Object.keys(obtain) as EngineName[]).filter((name) => fromEnvironment(name) === undefined);
  const tries = await Promise.allSettled(wanted.map((name) => obtain[name](log)));
  const failed = tries.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
