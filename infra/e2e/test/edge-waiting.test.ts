import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureTopics } from '@calltally/contract';
import { testKafka } from '@calltally/stack/testing';
import { type Test, test } from 'tap';
import { alterTopic, EdgeWorld } from '../src/edge/world.ts';

const WITHIN_MS = 60_000;

async function startWorld(t: Test): Promise<EdgeWorld> {
  const world = await EdgeWorld.start(t, await testKafka(t));
  await world.ingest.start();
  await world.sendGood(0, 5);
  t.strictSame(await world.faults(WITHIN_MS), []);
  return world;
}

/** @returns whether it became true in time */
async function becomes(isTrue: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const end = Date.now() + WITHIN_MS; Date.now() < end; await sleep(50)) if (await isTrue()) return true;
  return false;
}

const holds = (world: EdgeWorld, code: string) => () =>
  world.ingest.readiness.held.some((one) => one.partition === 0 && one.code === code);

async function notes(world: EdgeWorld) {
  return (await world.store.progress.notes(0)).get(0)?.held?.code;
}

test('an open transaction holds only its own partition, which is reported, and as-of waits', async (t) => {
  const world = await startWorld(t);
  const producer = world.kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    transactionalId: world.topic,
  });
  await producer.connect();
  t.teardown(() => producer.disconnect());
  const transaction = await producer.transaction();
  const messages = [{ value: world.abortedValue(), partition: 0 }];
  await transaction.send({ topic: world.topic, messages, acks: -1 });
  const counted = world.good.size;
  await world.sendGood(0, 3);
  const acknowledgedAtMs = Date.now();
  await world.sendGood(1, 7);
  await world.sendGood(2, 7);
  t.ok(await becomes(async () => (await world.store.users.callsOf(world.user)) === counted + 14));
  t.ok(await becomes(holds(world, 'KAFKA_TRANSACTION_OPEN')));
  t.match(
    await world.metrics.registry.metrics(),
    /calltally_partition_held\{.*code="KAFKA_TRANSACTION_OPEN".*\} 1/,
  );
  t.ok(await becomes(async () => (await notes(world)) === 'KAFKA_TRANSACTION_OPEN'), 'an operator finds it');
  t.equal(world.ingest.readiness.held.length, 1, 'the other partitions go on');
  t.equal(await world.store.users.callsOf(world.user), counted + 14, 'the events after it are not counted');
  t.ok((await world.store.progress.asOf())! < acknowledgedAtMs, 'and as-of does not say that it is');
  await transaction.abort();
  t.strictSame(await world.faults(WITHIN_MS), []);
  t.ok(await becomes(() => world.ingest.readiness.held.length === 0));
  t.ok(await becomes(async () => (await notes(world)) === undefined));
});

test('dead letters that cannot be written hold only their own partition', async (t) => {
  const world = await startWorld(t);
  const dlqTopic = `${world.topic}.dlq`;
  await world.admin.deleteTopics({ topics: [dlqTopic] });
  const first = await world.raw.send(0, { records: [{ value: Buffer.from('[') }] });
  world.letters.push({ kind: 'bad', partition: 0, first, last: first });
  t.ok(await becomes(holds(world, 'INGEST_DEAD_LETTERS_UNAVAILABLE')));
  const counted = world.good.size;
  // Fetched after the dead letter: if its partition were not paused, the consumer would wait with these and fetch
  // nothing for any partition.
  for (let batch = 0; batch < 3; batch++) {
    await world.sendGood(0, 1);
    await sleep(500);
  }
  for (let round = 1; round <= 5; round++) {
    await world.sendGood(1, 2);
    await world.sendGood(2, 2);
    const wanted = counted + 4 * round;
    t.ok(
      await becomes(async () => (await world.store.users.callsOf(world.user)) === wanted),
      `round ${round}`,
    );
  }
  await world.sendGood(0, 3);
  t.ok(holds(world, 'INGEST_DEAD_LETTERS_UNAVAILABLE')(), 'all the while');
  await ensureTopics(world.admin, { topic: world.topic, dlqTopic });
  t.strictSame(await world.faults(WITHIN_MS), []);
  t.strictSame([...world.ingest.readiness.held], []);
});

test('if the dead-letter topic has a lower size limit, dead letters hold less of a message', async (t) => {
  const world = await startWorld(t);
  await alterTopic(world.admin, `${world.topic}.dlq`, { 'max.message.bytes': '8000' });
  const records = [20, 200_000, 20, 6_000, 6_000].map((bytes) => ({ value: randomBytes(bytes) }));
  const first = await world.raw.send(0, { records });
  for (const i of records.keys()) {
    world.letters.push({ kind: 'bad', partition: 0, first: first + i, last: first + i });
  }
  await world.sendGood(0, 3);
  t.strictSame(await world.faults(WITHIN_MS), []);
  const letters = await world.readLetters();
  const cuts = letters.filter(({ headers }) => headers?.['letter-cut'] !== undefined);
  t.strictSame(
    cuts.map(({ headers }) => String(headers!['letter-cut'])),
    ['value: the first 1024 of 200000 bytes'],
  );
});

test('added partitions are read, and as-of does not pass their events before', async (t) => {
  const world = await startWorld(t);
  await world.admin.createPartitions({ topicPartitions: [{ topic: world.topic, count: 6 }] });
  const producer = world.kafka.producer();
  await producer.connect();
  t.teardown(() => producer.disconnect());
  const added = Array.from({ length: 100 }, () => ({ value: world.value(), partition: 5 }));
  for (let attempt = 1; ; attempt++) {
    try {
      await producer.send({ topic: world.topic, messages: added, acks: -1 });
      break;
    } catch (thrown) {
      if (attempt === 20) throw thrown;
      await sleep(100);
    }
  }
  const acknowledgedAtMs = Date.now();
  let lies = 0;
  const isCounted = async () => {
    const asOf = await world.store.progress.asOf();
    const isAll = (await world.store.users.callsOf(world.user)) === world.good.size;
    if (!isAll && asOf !== undefined && asOf >= acknowledgedAtMs) lies++;
    return isAll;
  };
  t.ok(await becomes(isCounted));
  t.equal(lies, 0, 'as-of was never ahead of the counted calls');
  t.strictSame(await world.faults(WITHIN_MS), []);
});
