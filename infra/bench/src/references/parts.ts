import { decodeCallEvent, kafkaClient } from '@calltally/contract';
import {
  applyEvents,
  type CountableEvent,
  CounterSession,
  readGenerations,
  type UserEvents,
} from '@calltally/counters';
import { type Call, cellOf } from '@calltally/domain';
import { type CallRow, openStore, partitionId, toRow } from '@calltally/store';
import { Redis } from 'ioredis';
import { MongoClient } from 'mongodb';
import { inParallel } from '../in-parallel.ts';
import { answer } from '../processes.ts';

/*
 * What counting an event cannot do without, each part by itself, in a process of its own: read and parse it, insert its row by
 * the driver, send the commands for its users.
 */

export type PartRequest =
  | { part: 'read'; brokers: string[]; topic: string; events: number }
  | { part: 'insert'; mongoUri: string }
  | { part: 'apply'; redisUrl: string };

export interface PartReply {
  /** Processor time of an event, µs. */
  us: number;
}

interface Event {
  partition: number;
  offset: number;
  call: Call;
}

/** So much of each part is done before it is measured: code is compiled then. */
const WARM = 0.25;
/** As ingest does. */
const BATCH_EVENTS_MAX = 6_000;
const INSERT = { size: 2_000, atOnce: 4 };

let read: Event[] = [];

answer(async (request: PartRequest): Promise<PartReply> => {
  switch (request.part) {
    case 'read':
      return readTopic(request);
    case 'insert':
      return insertRows(request.mongoUri);
    case 'apply':
      return sendCommands(request.redisUrl);
  }
});

async function readTopic({ brokers, topic, events }: PartRequest & { part: 'read' }): Promise<PartReply> {
  const consumer = kafkaClient({ brokers, clientId: 'parts' }).consumer({
    groupId: `${topic}-parts`,
    maxWaitTimeInMs: 250,
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  read = [];
  let began: Began | undefined;
  const us = await new Promise<number>((resolve) => {
    void consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: 4,
      eachBatch: async ({ batch }) => {
        for (const { value, offset } of batch.messages) {
          const { call } = decodeCallEvent(value, Date.now());
          read.push({ partition: batch.partition, offset: Number(offset), call: call as Call });
        }
        if (read.length >= WARM * events) began ??= begin(read.length);
        if (read.length >= events) resolve(usSince(began!, read.length));
      },
    });
  });
  await consumer.disconnect();
  return { us };
}

async function insertRows(mongoUri: string): Promise<PartReply> {
  const store = openStore({ uri: mongoUri, timeoutMs: 60_000, selectionTimeoutMs: 10_000 });
  await store.ensureIndexes();
  await store.close();
  const rows = read.map(({ partition, offset, call }) => toRow(call, { stream: 0, partition, offset }));
  const client = await new MongoClient(mongoUri, { writeConcern: { w: 'majority' } }).connect();
  const calls = client.db().collection<CallRow>('calls');
  const insert = (some: CallRow[]) =>
    inParallel(some, INSERT, (piece) => calls.insertMany(piece, { ordered: false }));
  const warm = Math.floor(WARM * rows.length);
  await insert(rows.slice(0, warm));
  const began = begin(warm);
  await insert(rows.slice(warm));
  const us = usSince(began, rows.length);
  await client.close();
  return { us };
}

async function sendCommands(redisUrl: string): Promise<PartReply> {
  const batches = await commandsOf(redisUrl);
  const redis = new Redis(redisUrl);
  redis.defineCommand('nothing', { lua: 'return 0' });
  const send = async (some: typeof batches) => {
    for (const { commands } of some) {
      const pipeline = redis.pipeline() as unknown as {
        nothing(keys: number, ...rest: (string | number)[]): void;
        exec(): Promise<unknown>;
      };
      for (const { keys, args } of commands) pipeline.nothing(keys.length, ...keys, ...args);
      await pipeline.exec();
    }
  };
  const warm = Math.ceil(WARM * batches.length);
  const eventsOf = (some: typeof batches) => some.reduce((sum, { events }) => sum + events, 0);
  await send(batches.slice(0, warm));
  const began = begin(0);
  await send(batches.slice(warm));
  const us = usSince(began, eventsOf(batches.slice(warm)));
  redis.disconnect();
  return { us };
}

/** The commands that ingest sends for these events, batch by batch. */
async function commandsOf(redisUrl: string) {
  const session = await CounterSession.open({
    url: redisUrl,
    commandTimeoutMs: 10_000,
    openTimeoutMs: 10_000,
  });
  const generations = await readGenerations(session);
  const batches: { events: number; commands: { keys: string[]; args: (string | number)[] }[] }[] = [];
  session.runForUsers = async (_, commands) => {
    batches.at(-1)!.commands = [...commands];
    return commands.map(() => 0);
  };
  for (const partition of new Set(read.map((event) => event.partition))) {
    const events = read.filter((event) => event.partition === partition);
    for (let at = 0; at < events.length; at += BATCH_EVENTS_MAX) {
      const some = events.slice(at, at + BATCH_EVENTS_MAX);
      batches.push({ events: some.length, commands: [] });
      await applyEvents(session, generations, partitionId(0, partition), byUser(some));
    }
  }
  session.end('done');
  return batches;
}

function byUser(events: readonly Event[]): UserEvents[] {
  const users = new Map<string, CountableEvent[]>();
  for (const { offset, call } of events) {
    const { userId, startedAt, durationMs } = call;
    const own = users.get(userId) ?? [];
    own.push({ offset, startedAt, durationMs, cell: cellOf(call) });
    users.set(userId, own);
  }
  return [...users].map(([userId, own]) => ({ userId, events: own }));
}

interface Began {
  cpu: NodeJS.CpuUsage;
  events: number;
}

function begin(events: number): Began {
  return { cpu: process.cpuUsage(), events };
}

function usSince({ cpu, events }: Began, eventsNow: number): number {
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / (eventsNow - events);
}
