import { Redis } from 'ioredis';
import type { Bench } from '../bench.ts';
import { API, NodeProcess } from '../processes.ts';
import type { World } from './world.ts';

/** A user of Redis who may not be told of changes. */
const UNTOLD = { name: 'untold', password: 'untold' };

/** An API that remembers nothing, so it asks Redis for each dashboard. */
export async function startAskingApi(bench: Bench, { environment, redis }: World): Promise<NodeProcess> {
  const admin = new Redis(redis.address);
  const rules = ['on', `>${UNTOLD.password}`, '~*', '+@all', '-client|tracking'];
  await admin.call('ACL', 'SETUSER', UNTOLD.name, ...rules);
  admin.disconnect();
  const untold = new URL(redis.address);
  untold.username = UNTOLD.name;
  untold.password = UNTOLD.password;
  return NodeProcess.start(bench, API, { ...environment, REDIS_URL: untold.href });
}
