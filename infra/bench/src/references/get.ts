import { Redis } from 'ioredis';
import { keyOf, reference, serve } from './serve.ts';

// As the API reads its counters: requests of one turn of the event loop go out together.
const redis = new Redis(process.env.REDIS_URL!, { enableAutoPipelining: true });

await serve(async (request) => {
  const kept = await redis.get(`dashboard:${keyOf(request)}`);
  if (kept === null) throw new Error('no such dashboard');
  return reference.body;
});
