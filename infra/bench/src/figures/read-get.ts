import { Redis } from 'ioredis';
import { freshRedis } from '../engines.ts';
import { inParallel } from '../in-parallel.ts';
import { readAgainst, startReference } from './read-against.ts';

export const readGet = readAgainst(
  {
    name: 'read-get',
    compares: 'the same, against a Fastify route that does one GET in Redis and sends the same body',
    atLeast: 0.8,
  },
  async (bench, { keys, reference }) => {
    const { address } = await freshRedis(bench);
    const redis = new Redis(address);
    bench.atEnd(() => redis.disconnect());
    await inParallel(keys, { size: 1_000, atOnce: 1 }, (piece) =>
      redis.mset(piece.flatMap((key) => [`dashboard:${key}`, '{"calls":10}'])),
    );
    return startReference(bench, 'get', { REFERENCE: reference, REDIS_URL: address });
  },
);
