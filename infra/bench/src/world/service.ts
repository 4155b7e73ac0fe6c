import { type CallEventProducer, createCallEventProducer } from '@calltally/contract/producer';
import type { Bench } from '../bench.ts';
import type { TrafficReply, TrafficRequest } from '../load/traffic.ts';
import { API, Child, INGEST, NodeProcess } from '../processes.ts';
import { Topic } from './topic.ts';
import { World } from './world.ts';

const TRAFFIC = new URL('../load/traffic.js', import.meta.url);

/** Ingest and the API in production mode, a producer, and a process that sends events of other users. */
export interface Service {
  world: World;
  topic: Topic;
  ingest: NodeProcess;
  api: NodeProcess;
  calls: CallEventProducer;
  /** Sends nothing until asked. */
  traffic: Child<TrafficRequest, TrafficReply>;
}

/**
 * @param name of the topic and of the database
 * @param options.trafficUsers how many users the traffic has: `traffic-0`, `traffic-1`, …
 * @param options.prepare runs before ingest starts
 */
export async function startService(
  bench: Bench,
  name: string,
  { trafficUsers, prepare }: { trafficUsers: number; prepare?: (world: World, topic: Topic) => unknown },
): Promise<Service> {
  const [world, topic] = await Promise.all([World.start(bench, name), Topic.create(bench, name)]);
  await prepare?.(world, topic);
  const env = { ...world.environment, ...topic.environment };
  const ingest = await NodeProcess.start(bench, INGEST, env, 'INGEST_PORT');
  const api = await NodeProcess.start(bench, API, env);
  const calls = createCallEventProducer({ brokers: topic.brokers, topic: topic.name });
  bench.atEnd(() => calls.close());
  const args = [topic.brokers[0]!, topic.name, String(trafficUsers)];
  return { world, topic, ingest, api, calls, traffic: new Child(bench, TRAFFIC, args) };
}
