import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeCallEvent, ensureTopics, kafkaClient } from '@calltally/contract';
import { CounterSession } from '@calltally/counters';
import { committedBy } from '@calltally/ops';
import { drawPort, type Test, testKafka, testMongo, testRedis, uniqueName } from '@calltally/stack/testing';
import { openStore } from '@calltally/store';
import type { Admin, Kafka } from 'kafkajs';
import { BSON, type Db, type Document, MongoClient } from 'mongodb';
import { test } from 'tap';
import { launch, runCalltally } from '../src/command.ts';
import { ask } from '../src/dashboard.ts';
import { Service } from '../src/service.ts';

/** So many that copying them takes longer than it takes to kill it. */
const MORE_ROWS = 6_000;
const KILLS_MIN = 2;
const EVER = 'start_date=2025-01-01&end_date=2026-11-01';
/** An event whose call id belonged to another user before: now it is a call of its own. */
const REFUSED_BEFORE = 'of-another\u001fc-0';

interface Row extends Document {
  _id: string;
}

/** Each line of a file of the fixture. */
function lines<T>(name: string): T[] {
  const file = new URL(`../fixtures/version-before/${name}.ndjson`, import.meta.url);
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const messages = lines<{ partition: number; offset: number; key: string; value: string }>('topic');
const hashes = lines<{ key: string; expires_at_ms?: number; hash: Record<string, string> }>('redis');
const documents = lines<{ collection: string; document: object }>('mongo').map(
  ({ collection, document }) => ({
    collection,
    document: BSON.EJSON.deserialize(document, { relaxed: false }) as Document,
  }),
);

const upgradedId = ({ _id, user_id }: Document) => `${user_id}\u001f${_id}`;

/** Everything as the version before has left it when it was stopped, in engines of today. */
async function versionBefore(t: Test) {
  const [kafka, mongo, redis] = await Promise.all([testKafka(t), testMongo(t), testRedis(t)]);
  const folder = mkdtempSync(join(tmpdir(), 'calltally-e2e-'));
  const topic = uniqueName('calls');
  const env = {
    KAFKA_BROKERS: kafka.address,
    KAFKA_TOPIC: topic,
    KAFKA_DLQ_TOPIC: `${topic}.dlq`,
    KAFKA_GROUP_ID: topic,
    KAFKA_SESSION_TIMEOUT_MS: '1500',
    MONGODB_URI: `${mongo.address}/${topic.replaceAll('-', '_')}`,
    REDIS_URL: redis.address,
  };
  const client = kafkaClient({ brokers: kafka.address.split(','), clientId: 'before' });
  const admin = client.admin();
  const mongoClient = new MongoClient(env.MONGODB_URI);
  const db = mongoClient.db();
  const session = await CounterSession.open({
    url: redis.address,
    commandTimeoutMs: 10_000,
    openTimeoutMs: 10_000,
  });
  await admin.connect();
  t.teardown(async () => {
    session.end('the test is over');
    await db.dropDatabase();
    await Promise.all([admin.disconnect(), mongoClient.close()]);
    rmSync(folder, { recursive: true, force: true });
  });
  await ensureTopics(admin, { topic, dlqTopic: `${topic}.dlq` });
  await send(client, topic, messages);
  await commit(admin, topic, await endsOf(admin, topic));
  await db.collection('calls').createIndex({ user_id: 1, started_at: 1, duration_ms: 1 });
  await db.collection('api_keys').createIndex({ hash: 1 }, { unique: true });
  await db
    .collection('api_keys')
    .createIndex({ revoked_at: 1 }, { partialFilterExpression: { revoked_at: { $exists: true } } });
  for (const name of new Set(documents.map(({ collection }) => collection))) {
    const own = documents.filter(({ collection }) => collection === name);
    await db.collection(name).insertMany(own.map(({ document }) => document));
  }
  const counters = session.masters[0]!.redis;
  for (const { key, expires_at_ms, hash } of hashes) {
    await counters.hset(key, hash);
    if (expires_at_ms !== undefined) await counters.pexpireat(key, expires_at_ms);
  }
  const service = async (name: 'api' | 'ingest') => {
    const port = await drawPort();
    const ports = name === 'api' ? { PORT: `${port}`, DRAIN_SECONDS: '0' } : { INGEST_PORT: `${port}` };
    const one = new Service(name, port, { ...env, ...ports }, folder);
    t.teardown(() => one.end('SIGKILL'));
    return one;
  };
  return { env, topic, client, admin, db, counters, service };
}

async function send(client: Kafka, topic: string, all: { partition: number; key: string; value: string }[]) {
  const producer = client.producer();
  await producer.connect();
  await producer.send({ topic, messages: all, acks: -1 });
  await producer.disconnect();
}

async function endsOf(admin: Admin, topic: string) {
  return (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => ({ partition, offset: high }));
}

async function commit(admin: Admin, topic: string, partitions: { partition: number; offset: string }[]) {
  await admin.setOffsets({ groupId: topic, topic, partitions });
}

/** Resolves when the group has committed every event of the topic. */
async function untilCounted(admin: Admin, topic: string) {
  for (;;) {
    const ends = await endsOf(admin, topic);
    const committed = await committedBy(admin, topic, topic);
    if (ends.every(({ partition, offset }) => (committed.get(partition) ?? 0) === Number(offset))) return;
    await sleep(100);
  }
}

async function rowsOf(db: Db): Promise<Map<unknown, Document>> {
  const rows = await db.collection('calls').find().toArray();
  return new Map(rows.map((row) => [row._id, row]));
}

/** A run of `calltally upgrade` that can be killed. */
function startUpgrade(env: Record<string, string>) {
  const child = launch(env, ['upgrade', '--json']);
  child.stderr.pipe(process.stderr);
  const over = once(child, 'close');
  const said: Record<string, unknown>[] = [];
  createInterface(child.stdout).on('line', (line) => said.push(JSON.parse(line)));
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  return {
    isOver,
    async kill() {
      child.kill('SIGKILL');
      await over;
    },
    /** Waits for an event; undefined if it ends without it. */
    async until(event: string) {
      while (!isOver() && !said.some((one) => one.event === event)) await sleep(20);
      return said.find((one) => one.event === event);
    },
  };
}

test('a database of the version before is upgraded, and each call stays counted once', async (t) => {
  const { env, topic, client, admin, db, counters, service } = await versionBefore(t);
  const calls = db.collection('calls');
  const before = documents.filter(({ collection }) => collection === 'calls').map(({ document }) => document);
  // Of a partition that the topic has no more, so that nothing else is touched by them.
  const more = Array.from({ length: MORE_ROWS }, (_, offset) => ({
    ...{
      _id: `more-${offset * 7_919}`,
      user_id: `user-${offset % 13}`,
      started_at: new Date(1.7e12 + offset),
    },
    ...{ day: 19_675, duration_ms: 1_000, source: { stream: 0, partition: 99, offset } },
  }));
  await db.collection<Row>('calls').insertMany(more);
  const store = openStore({ uri: env.MONGODB_URI, timeoutMs: 20_000, selectionTimeoutMs: 5_000 });
  t.teardown(() => store.close());
  const { apiKey } = await store.apiKeys.create({ userId: 'acme' });

  // The API first. It cannot read what the version before has counted, so it answers from its rows.
  const api = await service('api');
  await api.start();
  const answer = () => ask(api.url, apiKey, EVER);
  const own = before.filter(({ user_id }) => user_id === 'acme');
  const first = await answer();
  t.match(first, { status: 200, source: 'mongo', body: { data: { total_calls: own.length } } });
  const answers = new Map<string, number>();
  let asking = true;
  const asked = (async () => {
    while (asking) {
      const { status, body } = await answer();
      const text = JSON.stringify([status, body.data]);
      answers.set(text, (answers.get(text) ?? 0) + 1);
      await sleep(20);
    }
  })();

  await t.test('ingest of this version counts nothing before', async (t) => {
    const ingest = await service('ingest');
    ingest.launch();
    await ingest.alive();
    while (!/STORE_ROWS_OUTDATED.*calltally upgrade/.test(ingest.log)) await sleep(50);
    t.equal((await fetch(`${ingest.url}/readyz`)).status, 503);
    t.strictSame((await admin.describeGroups([topic])).groups[0]!.members, []);
    t.equal(await calls.countDocuments(), before.length + MORE_ROWS);
    t.equal(ingest.log.match(/STORE_ROWS_OUTDATED/g)!.length, 1, 'says once what to do');
    await ingest.end('SIGKILL');
    const replay = await runCalltally(env, 'replay', '--from', 'earliest', '--json');
    t.match([replay.status, JSON.parse(replay.err)], [1, { error: { code: 'STORE_ROWS_OUTDATED' } }]);
  });

  const ingest = await service('ingest');
  const late = {
    call_id: 'late/😀',
    user_id: 'acme',
    started_at: '2026-10-30T12:00:00Z',
    duration_seconds: 60,
  };
  const lateOffset = messages.filter(({ partition }) => partition === 0).length;
  await t.test('upgrade, killed again and again, copies each row once', async (t) => {
    const consumer = client.consumer({ groupId: topic, sessionTimeout: 6_000 });
    await consumer.connect();
    await consumer.subscribe({ topic });
    const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
    await consumer.run({ autoCommit: false, eachMessage: async () => {} });
    await joined;

    const state = db.collection<{ _id: string; rows: number }>('progress');
    const copied = async () => (await state.findOne({ _id: 'upgrade' }))?.rows ?? -1;
    const seen: number[] = [];
    let run = startUpgrade(env);
    while ((await copied()) < before.length + MORE_ROWS) {
      const goal = (seen.at(-1) ?? -1) + 1;
      while (!run.isOver() && (await copied()) < goal) await sleep(5);
      await sleep(Math.random() * 250);
      await run.kill();
      seen.push(await copied());
      run = startUpgrade(env);
    }
    t.ok(seen.length >= KILLS_MIN, `killed at ${seen}`);
    t.match(await run.until('waiting'), { members: [/^before \//] });

    // Ingest of the version before counts another call, and is killed before it has told Redis.
    await send(client, topic, [{ partition: 0, key: 'acme', value: encodeCallEvent(late).toString() }]);
    const row = {
      ...{ _id: late.call_id, user_id: 'acme', started_at: new Date(late.started_at), day: 20_756 },
      ...{ duration_ms: 60_000, source: { stream: 0, partition: 0, offset: lateOffset } },
    };
    await db.collection<Row>('calls').insertOne(row);
    await store.progress.advanceStored(0, 0, lateOffset);
    await run.kill();
    ingest.launch();
    run = startUpgrade(env);
    await run.until('waiting');
    await consumer.disconnect();
    t.match(await run.until('end'), { upgraded: true, complete: true });
    const found = await rowsOf(db);
    t.equal(found.size, before.length + MORE_ROWS + 1);
    const wrong = [...before, ...more, row].filter((one) => {
      const copy = found.get(upgradedId(one));
      return BSON.EJSON.stringify({ ...copy, _id: one._id }) !== BSON.EJSON.stringify(one);
    });
    t.strictSame(wrong, []);
    for (const name of ['api_keys', 'dead_letters']) {
      for (const { collection, document } of documents) {
        if (collection === name)
          t.strictSame(await db.collection(name).findOne({ _id: document._id }), document);
      }
    }
    t.match(await runCalltally(env, 'upgrade'), { status: 0, out: /nothing to do/ });
  });

  const lastOf = (out: string) => JSON.parse(out.trimEnd().split('\n').at(-1)!);
  const verify = async () => lastOf((await runCalltally(env, 'verify', '--all', '--json')).out);
  /** What the version before has counted, and how far: it reads on from there if it is started again. */
  const oldCounters = async () => {
    const keys = (await counters.keys('ct:*')).sort();
    return Promise.all(
      keys.map(async (key) => {
        const expires = Number(await counters.call('PEXPIRETIME', key));
        return { key, expires_at_ms: expires, hash: await counters.hgetall(key) };
      }),
    );
  };
  const untouched = hashes
    .map(({ key, expires_at_ms = -1, hash }) => ({ key, expires_at_ms, hash }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  await t.test('ingest counts from the rows, beside the counters of the version before', async (t) => {
    await ingest.ready();
    await untilCounted(admin, topic);
    while ((await answer()).source !== 'counters') await sleep(50);
    asking = false;
    await asked;
    t.match(await answer(), { source: 'counters', body: { data: { total_calls: own.length + 1 } } });
    t.equal((await runCalltally(env, 'rebuild', '--all')).status, 0);
    t.match(await verify(), { event: 'end', drifted: 0, cold: 0 });
    t.strictSame(await oldCounters(), untouched);
  });

  await t.test('every answer on the way is one that is right', async (t) => {
    const totals = [...answers.keys()].map((text) => JSON.parse(text));
    for (const [status, data] of totals) {
      t.equal(status, 200);
      t.ok([own.length, own.length + 1].includes(data.total_calls), `${data.total_calls}`);
    }
  });

  await t.test('events that were counted before come again, and count nothing twice', async (t) => {
    const had = await rowsOf(db);
    await ingest.end('SIGTERM');
    await commit(
      admin,
      topic,
      (await endsOf(admin, topic)).map(({ partition }) => ({ partition, offset: '0' })),
    );
    await ingest.start();
    await untilCounted(admin, topic);
    const has = await rowsOf(db);
    t.strictSame(
      [...has.keys()].filter((id) => !had.has(id)),
      [REFUSED_BEFORE],
    );
    t.equal(has.size, had.size + 1);
    t.equal(await db.collection('corrections').countDocuments(), 0);
    t.match(await answer(), { source: 'counters', body: { data: { total_calls: own.length + 1 } } });
    t.match(await verify(), { event: 'end', drifted: 0, cold: 0 });
    t.strictSame(await oldCounters(), untouched);
    t.equal(await ingest.end('SIGTERM'), 0);
  });

  await t.test('the counters of the version before are deleted by a command', async (t) => {
    const forget = (...args: string[]) => runCalltally(env, 'upgrade', '--forget-old-counters', ...args);
    t.match(lastOf((await forget('--dry-run', '--json')).out), { keys: hashes.length, deleted: false });
    t.match(await forget('--json'), { status: 1, err: /CONFIRMATION_MISSING/ });
    t.strictSame(await oldCounters(), untouched);
    const foreign = await counters.set('ct:of-somebody-else', 1);
    t.equal(foreign, 'OK');
    t.match(lastOf((await forget('--yes', '--json')).out), {
      keys: hashes.length,
      deleted: true,
      complete: true,
    });
    t.strictSame(await counters.keys('ct:*'), ['ct:of-somebody-else']);
    t.match(await answer(), { source: 'counters', body: { data: { total_calls: own.length + 1 } } });
    t.match(await verify(), { event: 'end', drifted: 0, cold: 0 });
    t.match(await runCalltally(env, 'upgrade', '--yes'), { status: 2, err: /need --forget-old-counters/ });
  });
});
