import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../../bench.ts';
import { Child } from '../../child.ts';
import type { DashboardsReply, DashboardsRequest } from '../../load/dashboards.ts';
import type { TrafficReply, TrafficRequest } from '../../load/traffic.ts';
import { API, INGEST, NodeProcess } from '../../node-process.ts';
import { cutDays, wholeDays } from '../../queries.ts';
import { Topic } from '../../world/topic.ts';
import { World } from '../../world/world.ts';
import { HISTORY_DAYS, history } from './history.ts';

const DASHBOARDS = new URL('../../load/dashboards.js', import.meta.url);
const TRAFFIC = new URL('../../load/traffic.js', import.meta.url);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const USERS = 300;
const COUNTED_WITHIN_MS = 60_000;
const ASK_EVERY_MS = 100;

/** The whole service as it is delivered, with users who have a history, and those who send and ask. */
export async function startService(bench: Bench) {
  const [world, topic] = await Promise.all([World.start(bench, 'soak'), Topic.create(bench, 'soak')]);
  const userIds = Array.from({ length: USERS }, (_, i) => `traffic-${i}`);
  const beganMs = Date.now();
  const past = history(userIds, beganMs);
  await topic.send(past);
  const env = { ...world.environment, ...topic.environment };
  const ingest = await NodeProcess.start(bench, INGEST, env, 'INGEST_PORT');
  const api = await NodeProcess.start(bench, API, env);
  await untilCounted(topic, past.length);
  const keys = await world.createKeys(userIds);
  // The last one ends where the traffic begins, so that of today's sum all of it has to be taken off again.
  const queries = [
    '',
    wholeDays(beganMs - HISTORY_DAYS * DAY_MS, beganMs),
    cutDays(beganMs - 20 * DAY_MS, beganMs),
  ];
  const dashboards = new Child<DashboardsRequest, DashboardsReply>(bench, DASHBOARDS, []);
  const args = [topic.brokers[0]!, topic.name, String(USERS)];
  const traffic = new Child<TrafficRequest, TrafficReply>(bench, TRAFFIC, args);
  return { topic, ingest, api, past, beganMs, keys, queries, dashboards, traffic };
}

/** @throws Error where so many events are not counted in time */
export async function untilCounted(topic: Topic, events: number): Promise<void> {
  const end = Date.now() + COUNTED_WITHIN_MS;
  while ((await topic.committed()) < events) {
    if (Date.now() > end) throw new Error(`${events} events were not counted within ${COUNTED_WITHIN_MS} ms`);
    await sleep(ASK_EVERY_MS);
  }
}
