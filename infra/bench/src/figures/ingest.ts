import { setTimeout as sleep } from 'node:timers/promises';
import type { CallEvent } from '@calltally/contract';
import type { Bench } from '../bench.ts';
import { calltally } from '../calltally.ts';
import { freshRedis, mongo } from '../engines.ts';
import type { Figure } from '../figure.ts';
import { INGEST, NodeProcess } from '../node-process.ts';
import { insertOnly } from '../references/insert-only.ts';
import { parseOnly } from '../references/parse-only.ts';
import { takeTurns } from '../take-turns.ts';
import { Topic } from '../world/topic.ts';

const USERS = 1_000;
/** A topic holds calls in the order they ended: a backlog, as an outage leaves it. */
const BACKLOG_MS = 6 * 3_600_000;
const COUNTED_WITHIN_MS = 600_000;
/** Asking is work for the brokers, too. */
const ASK_EVERY_MS = 50;

export const ingest: Figure = {
  name: 'ingest',
  lines: [
    {
      name: 'ingest',
      unit: 'events/s',
      compares:
        'one ingest process, topic to counted, against the slower of a kafkajs consumer that only parses and an ' +
        'insertMany that only inserts the same rows into the same indexes',
      atLeast: 0.85,
    },
    {
      name: 'replay',
      unit: 'events/s',
      compares: '`calltally replay` of events that are counted already, against counting them first',
      atLeast: 1.5,
    },
  ],
  async measure(bench, note) {
    const { address } = await bench.shared(mongo);
    for (let round = 1; round <= bench.rounds; round++) {
      const events = makeEvents(round, bench.size(200_000, 6_000));
      const perSecond = (tookMs: number) => (events.length / tookMs) * 1_000;
      const topic = await Topic.create(bench, `ingest-${round}`);
      await topic.send(events);
      const { ours, other } = await takeTurns(
        round,
        () => countAndReplay(bench, topic, `${address}/ingest_${round}`, events.length),
        async () => ({
          parse: perSecond(await parseOnly(topic, events.length)),
          insert: perSecond(await insertOnly(`${address}/insert_${round}`, events)),
        }),
      );
      const counted = perSecond(ours.countedMs);
      note('ingest', { ours: counted, other: Math.min(other.parse, other.insert), ...other });
      note('replay', { ours: perSecond(ours.replayedMs), other: counted });
    }
  },
};

function makeEvents(round: number, count: number): CallEvent[] {
  const now = Date.now();
  return Array.from({ length: count }, (_, i) => ({
    call_id: `bench-${round}-${i}-${Math.random().toString(36).slice(2, 10)}`,
    user_id: `user-${Math.floor(Math.random() * USERS)}`,
    started_at: new Date(now - Math.floor((1 - i / count) * BACKLOG_MS)).toISOString(),
    duration_seconds: Math.floor(Math.random() * 600_000) / 1000,
    direction: 'inbound',
    status: 'completed',
  }));
}

/** The service as it runs, from its first partition assigned to the last offset committed; its Redis is empty at first. */
async function countAndReplay(bench: Bench, topic: Topic, mongoUri: string, events: number) {
  const redis = await freshRedis(bench);
  const env = { ...topic.environment, REDIS_URL: redis.address, MONGODB_URI: mongoUri };
  const service = await NodeProcess.start(bench, INGEST, env, 'INGEST_PORT');
  for (
    const end = Date.now() + COUNTED_WITHIN_MS;
    (await topic.committed()) < events;
    await sleep(ASK_EVERY_MS)
  ) {
    if (Date.now() > end) throw new Error(`not counted in time:\n${service.log.slice(-2000)}`);
  }
  const countedMs = Date.now() - assignedAtMs(service.log);
  const { already, seconds } = await calltally(bench, env, 'replay', '--from', 'earliest', '--json');
  if (already !== events) throw new Error(`replayed ${already} of ${events}`);
  await service.stop();
  await redis.stop('SIGKILL');
  return { countedMs, replayedMs: Number(seconds) * 1_000 };
}

function assignedAtMs(log: string): number {
  const line = log.split('\n').find((one) => one.includes('"partitions assigned"'));
  if (line === undefined) throw new Error('ingest was assigned no partitions');
  return Date.parse(JSON.parse(line).time);
}
