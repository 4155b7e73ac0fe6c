import { setTimeout as sleep } from 'node:timers/promises';
import type { CallEvent } from '@calltally/contract';
import type { Bench } from '../bench.ts';
import { INGEST, NodeProcess } from '../node-process.ts';
import type { Topic } from './topic.ts';

const USERS = 1_000;
const BACKLOG_MS = 6 * 3_600_000;
const COUNTED_WITHIN_MS = 600_000;
/** Asking is work for the brokers, too. */
const ASK_EVERY_MS = 50;

/** What waits after an outage: calls in the order in which they ended. @param name begins the ids, so that they differ */
export function makeBacklog(name: string, count: number): CallEvent[] {
  const now = Date.now();
  return Array.from({ length: count }, (_, i) => ({
    call_id: `${name}-${i}-${Math.random().toString(36).slice(2, 10)}`,
    user_id: `user-${Math.floor(Math.random() * USERS)}`,
    started_at: new Date(now - Math.floor((1 - i / count) * BACKLOG_MS)).toISOString(),
    duration_seconds: Math.floor(Math.random() * 600_000) / 1000,
    direction: 'inbound',
    status: 'completed',
  }));
}

/**
 * The service as it runs, from its first partition assigned to the last offset committed.
 * @param env addresses of a topic that has all the events, and of stores that have none
 * @returns the service, which still runs
 */
export async function countBacklog(bench: Bench, topic: Topic, env: Record<string, string>, events: number) {
  const service = await NodeProcess.start(bench, INGEST, env, 'INGEST_PORT');
  const end = Date.now() + COUNTED_WITHIN_MS;
  while ((await topic.committed()) < events) {
    if (Date.now() > end) throw new Error(`not counted in time:\n${service.log.slice(-2000)}`);
    await sleep(ASK_EVERY_MS);
  }
  return { service, countedMs: Date.now() - assignedAtMs(service.log) };
}

function assignedAtMs(log: string): number {
  const line = log.split('\n').find((one) => one.includes('"partitions assigned"'));
  if (line === undefined) throw new Error('ingest was assigned no partitions');
  return Date.parse(JSON.parse(line).time);
}
