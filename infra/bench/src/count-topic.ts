import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from './bench.ts';
import { freshRedis } from './engines.ts';
import { INGEST, NodeProcess } from './node-process.ts';
import type { Topic } from './world/topic.ts';

const COUNTED_WITHIN_MS = 600_000;
/** Asking is work for the brokers, too. */
const ASK_EVERY_MS = 50;

export interface Counted {
  /** From the first partition assigned to the last offset committed. */
  tookMs: number;
  /** When the first partition was assigned, epoch ms. */
  assignedAtMs: number;
  /** What counted it, and still runs. */
  service: NodeProcess;
}

/** The service as it runs counts a topic to its end; its Redis is empty at first. */
export async function countTopic(bench: Bench, topic: Topic, mongoUri: string, events: number) {
  const redis = await freshRedis(bench);
  /** What a command needs to find the service. */
  const env = { ...topic.environment, REDIS_URL: redis.address, MONGODB_URI: mongoUri };
  const { tookMs, service } = await countRest(bench, topic, env, events);
  return {
    tookMs,
    env,
    async stop() {
      await service.stop();
      await redis.stop('SIGKILL');
    },
  };
}

/**
 * The service counts what is left of a topic.
 * @param env where it finds its engines
 * @param events all that the topic ever had
 * @throws Error where that takes too long
 */
export async function countRest(
  bench: Bench,
  topic: Topic,
  env: Record<string, string>,
  events: number,
): Promise<Counted> {
  const service = await NodeProcess.start(bench, INGEST, env, 'INGEST_PORT');
  for (
    const end = Date.now() + COUNTED_WITHIN_MS;
    (await topic.committed()) < events;
    await sleep(ASK_EVERY_MS)
  ) {
    if (Date.now() > end) throw new Error(`not counted in time:\n${service.log.slice(-2000)}`);
  }
  const countedAtMs = Date.now();
  const assigned = assignedAtMs(service.log);
  return { tookMs: countedAtMs - assigned, assignedAtMs: assigned, service };
}

function assignedAtMs(log: string): number {
  const line = log.split('\n').find((one) => one.includes('"partitions assigned"'));
  if (line === undefined) throw new Error('ingest was assigned no partitions');
  return Date.parse(JSON.parse(line).time);
}
