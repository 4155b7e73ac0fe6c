import { inStoreSpan, isTracing } from '@calltally/telemetry';
import type { Script } from './scripts.ts';

/**
 * Records a call to Redis by the script that it runs.
 * @param users how many it runs for
 */
export function inRedisSpan<T>(script: Script, users: number, call: () => Promise<T>): Promise<T> {
  if (!isTracing()) return call();
  const attributes = {
    'db.system.name': 'redis',
    'db.operation.name': 'EVALSHA',
    'db.stored_procedure.name': script,
    ...(users > 1 && { 'db.operation.batch.size': users }),
  };
  return inStoreSpan(script, attributes, call);
}
