import type { Engine } from '@calltally/stack';
import type { Bench } from './bench.ts';
import { type Spent, stopwatch } from './cpu-time.ts';
import { freshRedis } from './engines.ts';
import { INGEST, NodeProcess, until } from './processes.ts';
import type { Topic } from './world/topic.ts';

const WITHIN_MS = 600_000;
/** Each poll costs the brokers work, too. */
const LOOK_EVERY_MS = 50;
const ASSIGNED_EVERY_MS = 5;

interface Counted extends Spent {
  /** From the first partition assigned to the last offset committed; about as long for the processor time. */
  tookMs: number;
  /** When the first partition was assigned, Unix ms. */
  assignedAtMs: number;
  /** The ingest process, still running. */
  ingest: NodeProcess;
}

/**
 * Starts ingest with an empty Redis and waits until it has counted the topic.
 * @param settings of ingest, besides where its engines are
 * @param begun what to do as soon as ingest runs
 */
export async function countTopic(
  bench: Bench,
  topic: Topic,
  mongoUri: string,
  events: number,
  settings: Record<string, string> = {},
  begun: (ingest: NodeProcess, redis: Engine) => Promise<void> = async () => {},
) {
  const redis = await freshRedis(bench);
  /** The environment in which a command finds the service. */
  const env = { ...topic.environment, REDIS_URL: redis.address, MONGODB_URI: mongoUri, ...settings };
  const counted = await countRest(bench, topic, env, events, (ingest) => begun(ingest, redis));
  return {
    ...counted,
    env,
    async stop() {
      await counted.ingest.stop();
      await redis.stop('SIGKILL');
    },
  };
}

/**
 * Starts ingest and waits until it has counted the rest of a topic.
 * @param env where ingest finds its engines
 * @param events all that were ever on the topic
 * @param begun what to do as soon as ingest runs
 * @throws Error if that takes too long
 */
export async function countRest(
  bench: Bench,
  topic: Topic,
  env: Record<string, string>,
  events: number,
  begun: (ingest: NodeProcess) => Promise<void> = async () => {},
): Promise<Counted> {
  const ingest = await NodeProcess.start(bench, INGEST, env, 'INGEST_PORT');
  const assigned = () => ingest.log.split('\n').find((line) => line.includes('"partitions assigned"'));
  const isAssigned = async () => assigned() !== undefined;
  await until('partitions are assigned', isAssigned, { withinMs: WITHIN_MS, everyMs: ASSIGNED_EVERY_MS });
  const spent = stopwatch();
  await begun(ingest);
  await untilCounted(topic, events);
  const countedAtMs = Date.now();
  const { cpuSeconds } = spent();
  const assignedAtMs = Date.parse(JSON.parse(assigned()!).time);
  return { tookMs: countedAtMs - assignedAtMs, cpuSeconds, assignedAtMs, ingest };
}

/** @throws Error if so many events are not counted in time */
export function untilCounted(topic: Topic, events: number): Promise<void> {
  const isCounted = async () => (await topic.committed()) >= events;
  return until(`${events} events are counted`, isCounted, { withinMs: WITHIN_MS, everyMs: LOOK_EVERY_MS });
}

/** Waits until every user is complete. @throws Error if that takes too long */
export function untilFilled(process: NodeProcess): Promise<void> {
  const isFilled = async () => (await process.metrics()).sum('calltally_warming_users') === 0;
  return until('every user is complete', isFilled, { withinMs: WITHIN_MS, everyMs: 100 });
}
