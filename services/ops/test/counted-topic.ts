import { type CallEvent, decodeCallEvent, ensureTopics, kafkaClient } from '@calltally/contract';
import { createCallEventProducer } from '@calltally/contract/producer';
import { CounterSession, queuedUsers, readGenerations, snapshotUser } from '@calltally/counters';
import {
  fillUntilComplete,
  type LedgerContext,
  recordBatch,
  startEpoch,
  writeCheckpoint,
} from '@calltally/ledger';
import { type Test, testKafka, testMongo, testRedis, uniqueName } from '@calltally/stack/testing';
import { openStore, type Store } from '@calltally/store';
import type { Admin } from 'kafkajs';
import { calltally, databaseOn } from './support.ts';

const PARTITIONS = 3;

/** A topic whose events are counted as ingest does it, and the command beside it. */
export async function countedTopic(t: Test) {
  const [kafka, mongo, redis] = await Promise.all([testKafka(t), testMongo(t), testRedis(t)]);
  const topic = uniqueName('calls');
  const uri = databaseOn(mongo.address, uniqueName('ops'));
  const env = {
    KAFKA_BROKERS: kafka.address,
    KAFKA_TOPIC: topic,
    KAFKA_DLQ_TOPIC: `${topic}.dlq`,
    KAFKA_GROUP_ID: topic,
    MONGODB_URI: uri,
    REDIS_URL: redis.address,
  };
  const brokers = kafka.address.split(',');
  const client = kafkaClient({ brokers, clientId: 'ops-test' });
  const admin = client.admin();
  const store = openStore({ uri, timeoutMs: 20_000, selectionTimeoutMs: 5_000 });
  const producer = createCallEventProducer({ brokers, topic });
  const plain = client.producer();
  await Promise.all([admin.connect(), plain.connect(), store.ensureIndexes()]);
  const sessions: CounterSession[] = [];
  t.teardown(async () => {
    for (const session of sessions) session.end('the test is over');
    await Promise.all([admin.disconnect(), plain.disconnect(), store.close(), producer.close()]);
  });
  await ensureTopics(admin, { topic, dlqTopic: `${topic}.dlq`, partitions: PARTITIONS });

  const open = async () => {
    const url = redis.address;
    const session = await CounterSession.open({ url, commandTimeoutMs: 10_000, openTimeoutMs: 5_000 });
    sessions.push(session);
    return session;
  };
  /** Fills whoever waits for it, as ingest and the API do behind all else. */
  const fill = async () => {
    const session = await open();
    const ledger = { store, session, generations: await readGenerations(session) };
    await fillUntilComplete(ledger, await queuedUsers(session, 10_000));
  };
  return {
    topic,
    env,
    fill,
    admin,
    store,
    redis,
    run: (...args: string[]) => calltally(args, { env }),
    /** Runs a command until it has said a word, and stops it then. */
    stoppedAt(word: string, stopping: AbortController, ...args: string[]) {
      let said = '';
      const onText = (text: string) => {
        said += text;
        if (said.includes(word)) stopping.abort();
      };
      return calltally(args, { env, signal: stopping.signal, onText });
    },
    async json(...args: string[]) {
      const { status, out, err } = await calltally([...args, '--json'], { env });
      const lines = out.split('\n').filter((line) => line !== '');
      return { status, err, lines: lines.map((line) => JSON.parse(line)) };
    },
    /** Publishes without counting; each event's place. */
    publish: (events: readonly CallEvent[]) => producer.sendAll(events),
    publishRaw: (partition: number, value: string) =>
      plain.send({ topic, messages: [{ partition, value }], acks: -1 }),
    /** The ledger as a consumer that begins has it. */
    async begin(): Promise<LedgerContext> {
      const states = await statesOf(admin, topic);
      return (
        await startEpoch(store, await open(), { topicEpoch: 0, partitions: states, retentionMonths: 25 })
      ).ledger;
    },
    /** Publishes and counts. Rows of calls in `lost` are missing afterwards, and not counted. */
    async count(
      ledger: LedgerContext,
      events: readonly CallEvent[],
      { lost = new Set() }: { lost?: Set<string> } = {},
    ): Promise<void> {
      const places = await producer.sendAll(events);
      const calls = events.map((event, i) => ({
        partition: places[i]!.partition,
        offset: Number(places[i]!.offset),
        call: decodeCallEvent(Buffer.from(JSON.stringify(event)), Date.now()).call!,
      }));
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const own = calls.filter((one) => one.partition === partition).sort((a, b) => a.offset - b.offset);
        if (own.length === 0) continue;
        const through = own.at(-1)!.offset;
        const kept = own.filter(({ call }) => !lost.has(call.callId));
        await recordBatch(ledger, { topicEpoch: 0, partition, events: kept, through });
        await writeCheckpoint(ledger, { partition: `0:${partition}`, through });
      }
      await fill();
    },
    /** Calls that Redis has counted of a user; undefined for one it does not know. */
    async countedOf(userId: string): Promise<number | undefined> {
      const session = await open();
      const snapshot = await snapshotUser(session, await readGenerations(session), userId, Date.now());
      if (snapshot === undefined) return undefined;
      return [...snapshot.buckets].reduce(
        (sum, [name, { calls }]) => (/^m:\d+$/.test(name) ? sum + calls : sum),
        0,
      );
    },
  };
}

export type CountedTopic = Awaited<ReturnType<typeof countedTopic>>;

export function eventsOf(users: readonly string[], count: number): CallEvent[] {
  return Array.from({ length: count }, (_, i) => ({
    call_id: uniqueName('call'),
    user_id: users[i % users.length]!,
    started_at: new Date(Date.now() - i * 60_000).toISOString(),
    duration_seconds: 60,
  }));
}

async function statesOf(admin: Admin, topic: string) {
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets.map(({ partition, low, high }) => ({
    partition,
    committed: undefined,
    earliest: Number(low),
    end: Number(high),
  }));
}

/** Calls that Mongo has of a user. */
export async function rowsOf(store: Store, userId: string): Promise<number> {
  const rows = { rows: undefined, corrections: undefined };
  const [all] = await store.tallies.sumByRange(userId, [{ from: 0, until: 8.64e15 }], rows);
  return all!.calls;
}
