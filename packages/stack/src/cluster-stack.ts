import { join } from 'node:path';
import type { Engine, EngineOptions } from './engine.ts';
import { type KafkaCluster, startKafkaCluster } from './kafka-cluster.ts';
import { startMongo } from './mongo.ts';
import { type RedisCluster, startRedisCluster } from './redis-cluster.ts';

export interface ClusterStack {
  kafka: KafkaCluster;
  redis: RedisCluster;
  mongo: Engine;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Starts Kafka of three nodes, a Redis Cluster of 3 masters and 3 replicas, and one Mongo. If one fails to start, stops
 * the others and rejects.
 */
export async function startClusterStack({ dataDir, log, restart }: EngineOptions): Promise<ClusterStack> {
  const at = (name: string) => ({ dataDir: join(dataDir, name), log, restart });
  const tries = await Promise.allSettled([
    startKafkaCluster(at('kafka')),
    startRedisCluster(at('redis')),
    startMongo(at('mongo')),
  ]);
  const started = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const stop = async (signal?: NodeJS.Signals) => {
    await Promise.all(started.map((one) => one.stop(signal)));
  };
  const [kafka, redis, mongo] = tries;
  if (kafka.status === 'fulfilled' && redis.status === 'fulfilled' && mongo.status === 'fulfilled') {
    return { kafka: kafka.value, redis: redis.value, mongo: mongo.value, stop };
  }
  await stop('SIGKILL');
  throw [kafka, redis, mongo].find((one) => one.status === 'rejected')!.reason;
}
