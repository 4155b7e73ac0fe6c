import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type CallEvent, decodeCallEvent, ensureTopics, kafkaClient } from '@calltally/contract';
import { createCallEventProducer } from '@calltally/contract/producer';
import { startRedis, startStack } from '@calltally/stack';
import { openStore, toRow } from '@calltally/store';
import type { Kafka } from 'kafkajs';

/*
 * How fast events are counted, topic to counters, against the slower of two things that cannot be left out: a consumer
 * that only parses, and an insertMany that only inserts the same rows into the same indexes. Alternating, median. Then
 * how fast the same events are replayed, with ingest still there.
 */

const EVENTS = Number(process.env.BENCH_EVENTS ?? 60_000);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const USERS = 1_000;
const BATCH = 2_000;
const INGEST = fileURLToPath(new URL('../../../services/ingest/dist/main.js', import.meta.url));
const CALLTALLY = fileURLToPath(new URL('../../../services/ops/bin/calltally.js', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'calltally-bench-'));
const stack = await startStack({ dataDir: join(folder, 'stack') });
try {
  const kafka = kafkaClient({ brokers: [stack.kafka.address], clientId: 'bench' });
  const rates: Record<'ours' | 'parse' | 'insert' | 'replay', number[]> = {
    ours: [],
    parse: [],
    insert: [],
    replay: [],
  };
  for (let round = 1; round <= ROUNDS; round++) {
    const topic = `bench-${round}`;
    await createTopic(kafka, topic);
    const events = makeEvents(round);
    await produce(topic, events);
    rates.parse.push(await parseOnly(kafka, topic));
    rates.insert.push(await insertOnly(topic, events));
    const { counted, replayed } = await ours(kafka, topic);
    rates.ours.push(counted);
    rates.replay.push(replayed);
    console.log(`round ${round}: ${JSON.stringify(last(rates))}`);
  }
  const [ours_, parse, insert] = [median(rates.ours), median(rates.parse), median(rates.insert)];
  console.log(`events/s, median of ${ROUNDS}: ours ${ours_}, parse only ${parse}, insertMany only ${insert}`);
  console.log(
    `ratio ours / slower of the two: ${(ours_ / Math.min(parse, insert)).toFixed(2)} (design: at least 0.85)`,
  );
  const replay = median(rates.replay);
  console.log(
    `replay ${replay} events/s; ratio replay / ours: ${(replay / ours_).toFixed(2)} (design: at least 1.5)`,
  );
} finally {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
}

function makeEvents(round: number): CallEvent[] {
  const now = Date.now();
  return Array.from({ length: EVENTS }, (_, i) => ({
    call_id: `bench-${round}-${i}-${Math.random().toString(36).slice(2, 10)}`,
    user_id: `user-${Math.floor(Math.random() * USERS)}`,
    started_at: new Date(now - Math.floor(Math.random() * 30 * 86_400_000)).toISOString(),
    duration_seconds: Math.floor(Math.random() * 600_000) / 1000,
    direction: 'inbound',
    status: 'completed',
  }));
}

async function createTopic(client: Kafka, topic: string): Promise<void> {
  const admin = client.admin();
  await admin.connect();
  await ensureTopics(admin, { topic, dlqTopic: `${topic}.dlq` });
  await admin.disconnect();
}

async function produce(topic: string, events: CallEvent[]): Promise<void> {
  const producer = createCallEventProducer({ brokers: [stack.kafka.address], topic });
  for (let at = 0; at < events.length; at += 5_000) await producer.sendAll(events.slice(at, at + 5_000));
  await producer.close();
}

/** From the first message in hand to the last. */
async function parseOnly(client: Kafka, topic: string): Promise<number> {
  const consumer = client.consumer({ groupId: `${topic}-parse`, maxWaitTimeInMs: 250 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let parsed = 0;
  let began = 0;
  const done = new Promise<number>((resolve) => {
    void consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: 4,
      eachBatch: async ({ batch }) => {
        began ||= performance.now();
        for (const { value } of batch.messages) if (decodeCallEvent(value, Date.now()).call) parsed++;
        if (parsed >= EVENTS) resolve(performance.now());
      },
    });
  });
  const ended = await done;
  await consumer.disconnect();
  return perSecond(ended - began);
}

async function insertOnly(topic: string, events: CallEvent[]): Promise<number> {
  const store = openStore({
    uri: stack.mongo.address,
    database: `${topic}_insert`,
    timeoutMs: 60_000,
    selectionTimeoutMs: 5_000,
  });
  await store.ensureIndexes();
  const rows = events.map((event, offset) => {
    const { call } = decodeCallEvent(Buffer.from(JSON.stringify(event)), Date.now());
    return toRow(call!, { stream: 0, partition: offset % 6, offset });
  });
  const began = performance.now();
  for (let at = 0; at < rows.length; at += BATCH) await store.calls.insert(rows.slice(at, at + BATCH));
  const rate = perSecond(performance.now() - began);
  await store.close();
  return rate;
}

/** The service as it runs, from its first partition assigned to the last offset committed; its own Redis, empty. */
async function ours(client: Kafka, topic: string): Promise<{ counted: number; replayed: number }> {
  const redis = await startRedis({ dataDir: join(folder, `redis-${topic}`) });
  const env = {
    PATH: process.env.PATH!,
    KAFKA_BROKERS: stack.kafka.address,
    KAFKA_TOPIC: topic,
    KAFKA_DLQ_TOPIC: `${topic}.dlq`,
    KAFKA_GROUP_ID: topic,
    REDIS_URL: redis.address,
    MONGODB_URI: `${stack.mongo.address}/${topic}_ours`,
    INGEST_PORT: String(await freePort()),
  };
  const child = spawn(process.execPath, [INGEST], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let began = 0;
  child.stdout.on('data', (lines: Buffer) => {
    if (began === 0 && lines.includes('partitions assigned')) began = performance.now();
  });
  const admin = client.admin();
  await admin.connect();
  const committed = async () => {
    const [group] = await admin.fetchOffsets({ groupId: topic, topics: [topic] });
    return group!.partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
  };
  while ((await committed()) < EVENTS) await sleep(10);
  const counted = perSecond(performance.now() - began);
  await admin.disconnect();
  const replayed = await replayAll(env);
  child.kill('SIGTERM');
  await once(child, 'exit');
  await redis.stop();
  return { counted, replayed };
}

/** As the command itself measures it: connecting, and forming a group to read with, included. */
async function replayAll(env: Record<string, string>): Promise<number> {
  const child = spawn(process.execPath, [CALLTALLY, 'replay', '--from', 'earliest', '--json'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = (await text(child.stdout)).trim().split('\n');
  const { already, seconds } = JSON.parse(lines.at(-1)!);
  if (already !== EVENTS) throw new Error(`replayed ${already} of ${EVENTS}: ${lines.at(-1)}`);
  return perSecond(seconds * 1000);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

function perSecond(tookMs: number): number {
  return Math.round((EVENTS / tookMs) * 1000);
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function last(rates: Record<string, number[]>): Record<string, number | undefined> {
  return Object.fromEntries(Object.entries(rates).map(([name, values]) => [name, values.at(-1)]));
}
