import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Engine, startKafka } from '@calltally/stack';
import { type Test, test } from 'tap';
import { alterTopic, EdgeWorld } from '../src/edge/world.ts';
import { Chance } from '../src/random.ts';

const WITHIN_MS = 60_000;
const HEADER_BYTES = 61;

async function startWorld(t: Test & { testdir(): string }): Promise<{ world: EdgeWorld; engine: Engine }> {
  const engine = await startKafka({ dataDir: join(t.testdir(), 'kafka') });
  t.teardown(() => engine.stop('SIGKILL'));
  return { world: await EdgeWorld.start(t, engine), engine };
}

/** Changes the first segment of a partition on a broker's disk. @param edit gets the start of each batch */
async function damage(
  engine: Engine,
  { topic }: EdgeWorld,
  partition: number,
  edit: (segment: Buffer, batches: readonly { at: number; bytes: number }[]) => void,
): Promise<void> {
  const file = join(engine.dataDir!, 'logs', `${topic}-${partition}`, '00000000000000000000.log');
  const handle = await open(file, 'r+');
  const segment = await handle.readFile();
  const batches: { at: number; bytes: number }[] = [];
  for (let at = 0; at + HEADER_BYTES <= segment.length; at += batches.at(-1)!.bytes) {
    batches.push({ at, bytes: 12 + segment.readInt32BE(at + 8) });
  }
  edit(segment, batches);
  await handle.write(segment, 0, segment.length, 0);
  await handle.close();
}

test("batches damaged on the broker's disk become dead letters; all others are counted", async (t) => {
  const chance = Chance.fromEnvironment();
  t.comment(`E2E_SEED=${chance.seed}`);
  const { world, engine } = await startWorld(t);
  const rotten: number[] = [];
  for (let batch = 0; batch < 60; batch++) {
    await world.sendGood(0, chance.int(1, 3));
    const first = await world.raw.send(0, {
      records: Array.from({ length: chance.int(1, 4) }, () => ({ value: world.abortedValue() })),
      codec: chance.pick(['none', 'gzip', 'snappy', 'lz4', 'zstd']),
    });
    rotten.push(first);
  }
  await world.sendGood(0, 5);
  await damage(engine, world, 0, (segment, batches) => {
    for (const { at, bytes } of batches) {
      if (!rotten.includes(Number(segment.readBigInt64BE(at)))) continue;
      // All of its records, or a few bytes at their start, where their length is.
      const to = chance.chance(0.5) ? bytes - HEADER_BYTES : chance.int(1, 4);
      randomBytes(to).copy(segment, at + HEADER_BYTES);
    }
  });
  const sinceMs = Date.now();
  await world.ingest.start();
  const isRead = async () => ((await world.store.progress.asOf()) ?? 0) >= sinceMs;
  for (const end = sinceMs + WITHIN_MS; !(await isRead()) && Date.now() < end; ) await sleep(100);
  t.ok(await isRead(), 'as-of goes on');
  t.equal(await world.goodRows(), world.good.size, 'every good event');
  const letters = await world.readLetters();
  const codes = new Set(letters.map(({ headers }) => String(headers?.['error-code'])));
  t.ok(codes.has('RECORD_UNREADABLE'), [...codes].join(', '));
  t.strictSame([...world.ingest.readiness.held], []);
  t.equal(world.crashed, undefined);
  const { unreadable } = (await world.store.progress.notes(0)).get(0)!;
  t.type(unreadable?.first, 'number', 'an operator is told of the last ones');
});

test('a log that the broker cannot read holds only its own partition, until it is repaired', async (t) => {
  const { world, engine } = await startWorld(t);
  await world.sendGood(0, 5);
  const lost = await world.raw.send(0, { records: [{ value: world.value() }] });
  await world.sendGood(0, 5);
  let at = 0;
  let bytes = 0;
  await damage(engine, world, 0, (segment, batches) => {
    at = batches.find((batch) => Number(segment.readBigInt64BE(batch.at)) === lost)!.at;
    bytes = segment.readInt32BE(at + 8);
    segment.writeInt32BE(5, at + 8);
  });
  await world.ingest.start();
  const isHeld = () => world.ingest.readiness.held.find(({ partition }) => partition === 0);
  for (const end = Date.now() + WITHIN_MS; isHeld() === undefined && Date.now() < end; ) await sleep(100);
  t.match(isHeld(), { code: /^KAFKA_/ });
  t.comment(`held: ${isHeld()?.code}`);
  for (let round = 0; round < 5; round++) {
    const before = await world.store.users.callsOf(world.user);
    await world.sendGood(1, 2);
    await world.sendGood(2, 2);
    const counts = () => world.store.users.callsOf(world.user);
    for (const end = Date.now() + WITHIN_MS; (await counts()) < before + 4 && Date.now() < end; )
      await sleep(50);
    t.equal(await counts(), before + 4, 'the others are counted');
  }
  t.equal(world.crashed, undefined);
  const before = await world.store.users.callsOf(world.user);
  await damage(engine, world, 0, (segment) => segment.writeInt32BE(bytes, at + 8));
  const counts = () => world.store.users.callsOf(world.user);
  for (const end = Date.now() + WITHIN_MS; (await counts()) < before + 6 && Date.now() < end; )
    await sleep(100);
  t.equal(await counts(), before + 6, 'and its own goes on once the log is repaired');
});

test('compacted offsets hold nothing up, and are reported', async (t) => {
  const { world } = await startWorld(t);
  await alterTopic(world.admin, world.topic, {
    'cleanup.policy': 'compact',
    'segment.ms': '200',
    'min.cleanable.dirty.ratio': '0.001',
    'delete.retention.ms': '0',
  });
  // Idempotent, because brokers keep the last batch of such a producer, even when it is empty.
  const producer = world.kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  t.teardown(() => producer.disconnect());
  const sent = new Map<string, string>();
  for (let batch = 0; batch < 8; batch++) {
    const messages = Array.from({ length: 5 }, (_, i) => {
      const event = world.event();
      sent.set(event.call_id, JSON.stringify(event));
      return { key: `key-${i % 3}`, value: JSON.stringify(event), partition: 0 };
    });
    await producer.send({ topic: world.topic, messages, acks: -1 });
    await sleep(250);
  }
  const left = async () => {
    const messages = await world.read(world.topic);
    return new Set(messages.map(({ value }) => JSON.parse(String(value)).call_id as string));
  };
  // The cleaner runs every 15 seconds.
  let kept = await left();
  for (const end = Date.now() + WITHIN_MS; kept.size > 20 && Date.now() < end; kept = await left())
    await sleep(500);
  t.ok(kept.size < sent.size, `${kept.size} of ${sent.size} are left`);
  for (const callId of kept) world.good.add(callId);
  await world.ingest.start();
  t.strictSame(await world.faults(WITHIN_MS), []);
  const compacted = /calltally_empty_offsets_total\{.*kind="compacted".*\} (\d+)/;
  const [, offsets] = compacted.exec(await world.metrics.registry.metrics()) ?? [];
  t.equal(Number(offsets), sent.size - kept.size);
});
