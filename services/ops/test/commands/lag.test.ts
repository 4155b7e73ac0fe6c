import { setTimeout as sleep } from 'node:timers/promises';
import { ensureTopics, kafkaClient } from '@calltally/contract';
import { createCallEventProducer } from '@calltally/contract/producer';
import { testKafka, testMongo, uniqueName } from '@calltally/stack/testing';
import { openStore } from '@calltally/store';
import { test } from 'tap';
import { countedTopic, eventsOf } from '../counted-topic.ts';
import { calltally, databaseOn, NOWHERE } from '../support.ts';

test('lag tells what is committed, what there is and what is stored', async (t) => {
  const [kafka, mongo] = await Promise.all([testKafka(t), testMongo(t)]);
  const topic = uniqueName('calls');
  const uri = databaseOn(mongo.address, uniqueName('ops'));
  const env = {
    ...NOWHERE,
    KAFKA_BROKERS: kafka.address,
    KAFKA_TOPIC: topic,
    KAFKA_GROUP_ID: topic,
    MONGODB_URI: uri,
  };
  const lag = async (expected = 0) => {
    const { status, out, err } = await calltally(['lag', '--json'], { env });
    t.equal(status, expected, err);
    return JSON.parse(out);
  };

  const missing = await calltally(['lag', '--json'], { env });
  t.equal(missing.status, 1);
  t.equal(JSON.parse(missing.err).error.code, 'TOPIC_UNKNOWN');

  const brokers = kafka.address.split(',');
  const admin = kafkaClient({ brokers, clientId: 'ops-test' }).admin();
  await admin.connect();
  t.teardown(() => admin.disconnect());
  await ensureTopics(admin, { topic, dlqTopic: `${topic}.dlq`, partitions: 2 });
  t.match(await lag(), { topic, group: topic, behind: 0, seconds_behind: 0, as_of: null });

  const producer = createCallEventProducer({ brokers, topic });
  const events = Array.from({ length: 10 }, (_, n) => ({
    call_id: `c-${n}`,
    user_id: 'one-user',
    started_at: '2026-03-01T09:30:00Z',
    duration_seconds: 1,
  }));
  const [place] = await producer.sendAll(events);
  await producer.close();
  const partition = place!.partition;
  const waiting = await lag(1);
  t.equal(waiting.behind, 10, 'a group that never committed begins with the first event');
  t.equal(waiting.seconds_behind, null);
  t.strictSame(waiting.partitions[partition], {
    partition,
    state: 'stuck',
    committed: null,
    end: 10,
    behind: 10,
    seconds_behind: null,
    stored: null,
    counted: null,
    reason: null,
    unreadable: null,
  });

  const store = openStore({ uri, timeoutMs: 10_000, selectionTimeoutMs: 5_000 });
  t.teardown(() => store.close());
  await store.progress.advanceStored(0, partition, 6);
  const asOfMs = Date.parse('2026-03-01T00:00:00Z');
  await store.progress.advanceAsOf(0, [partition], asOfMs);
  await admin.setOffsets({ groupId: topic, topic, partitions: [{ partition, offset: '7' }] });
  const other = 1 - partition;
  await store.progress.advanceAsOf(0, [other], asOfMs + 1_000);
  const half = await lag(1);
  t.match(half.partitions[partition], { state: 'stuck', committed: 7, end: 10, behind: 3, stored: 6 });
  t.type(half.partitions[partition].seconds_behind, 'number');
  t.match(half.partitions[other], { state: 'done', seconds_behind: 0 });
  t.match(half, { behind: 3, as_of: new Date(asOfMs).toISOString() });
  t.type(half.seconds_behind, 'number');

  const text = await calltally(['lag'], { env });
  t.equal(text.status, 1);
  t.match(text.out, new RegExp(`^ *${partition} +7 +10 +3 +[\\d.]+ +6 +none +stuck$`, 'm'));
  t.match(text.out, '3 behind');
  t.match(text.out, `partition ${partition} is stuck`);

  const more = createCallEventProducer({ brokers, topic });
  await more.sendAll(Array.from({ length: 1_000 }, (_, n) => ({ ...events[0]!, call_id: `more-${n}` })));
  await more.close();
  let over = false;
  const moving = lag().finally(() => {
    over = true;
  });
  for (let offset = 8; !over && offset < 1_010; offset++) {
    await admin.setOffsets({ groupId: topic, topic, partitions: [{ partition, offset: `${offset}` }] });
    await sleep(20);
  }
  t.equal((await moving).partitions[partition].state, 'behind', 'it gets further');

  await admin.setOffsets({ groupId: topic, topic, partitions: [{ partition, offset: '1010' }] });
  t.match(await lag(), { behind: 0, seconds_behind: 0 });
});

test('lag names why a partition is stuck, and offsets that could not be read', async (t) => {
  const [kafka, mongo] = await Promise.all([testKafka(t), testMongo(t)]);
  const topic = uniqueName('calls');
  const uri = databaseOn(mongo.address, uniqueName('ops'));
  const addresses = { KAFKA_BROKERS: kafka.address, MONGODB_URI: uri };
  const env = { ...NOWHERE, ...addresses, KAFKA_TOPIC: topic, KAFKA_GROUP_ID: topic };
  const client = kafkaClient({ brokers: kafka.address.split(','), clientId: 'ops-test' });
  const admin = client.admin();
  const producer = client.producer({ idempotent: true, maxInFlightRequests: 1, transactionalId: topic });
  const store = openStore({ uri, timeoutMs: 10_000, selectionTimeoutMs: 5_000 });
  await Promise.all([admin.connect(), producer.connect()]);
  t.teardown(() => Promise.all([admin.disconnect(), producer.disconnect(), store.close()]));
  await ensureTopics(admin, { topic, dlqTopic: `${topic}.dlq`, partitions: 2 });

  const transaction = await producer.transaction();
  await transaction.send({ topic, messages: [{ value: '[', partition: 0 }], acks: -1 });
  await store.progress.noteHeld(0, new Map([[1, { code: 'INGEST_DEAD_LETTERS_UNAVAILABLE', sinceMs: 0 }]]));
  await store.progress.noteUnreadable(0, 1, 5, 9);
  const held = await calltally(['lag'], { env });
  t.equal(held.status, 1);
  t.match(
    held.out,
    /^partition 0 is stuck at its first offset: KAFKA_TRANSACTION_OPEN; a transaction is open/m,
  );
  t.match(
    held.out,
    /^partition 1: offsets 5 to 9 could not be read at .*dlq list --code RECORD_UNREADABLE$/m,
  );
  t.notMatch(
    held.out,
    /partition 1 is stuck/,
    'one that has nothing left is not stuck, whatever was said of it',
  );
  await transaction.abort();

  const other = client.producer();
  await other.connect();
  await other.send({ topic, messages: [{ value: '[', partition: 1 }], acks: -1 });
  await other.disconnect();
  const { out } = await calltally(['lag', '--json'], { env });
  t.match(JSON.parse(out).partitions, [
    { state: 'stuck', reason: null },
    { state: 'stuck', reason: 'INGEST_DEAD_LETTERS_UNAVAILABLE', unreadable: { first: 5, through: 9 } },
  ]);
});

test('lag tells how far Redis counts, and names a partition that was recreated', async (t) => {
  const world = await countedTopic(t);
  const ledger = await world.begin();
  const users = Array.from({ length: 10 }, (_, i) => `u-${i}`);
  await world.count(ledger, eventsOf(users, 60));
  const stored = await world.store.progress.storedThrough();
  for (const [key, offset] of stored) {
    const partitions = [{ partition: Number(key.split(':')[1]), offset: String(offset + 1) }];
    await world.admin.setOffsets({ groupId: world.topic, topic: world.topic, partitions });
  }
  const [done] = (await world.json('lag')).lines;
  for (const one of done.partitions) {
    t.match(one, { state: 'done', counted: one.stored, seconds_behind: 0 });
  }
  t.equal(done.stream, 0);

  await world.store.progress.advanceStored(0, 1, 1e6);
  const text = await world.run('lag');
  t.equal(text.status, 1);
  t.match(text.out, /partition 1 ends at \d+ and is stored through 1000000: recreated/);
});
