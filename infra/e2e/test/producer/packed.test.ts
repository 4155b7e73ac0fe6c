import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ensureTopics, kafkaClient } from '@calltally/contract';
import { hasIpv6, type Test, testKafka, uniqueName } from '@calltally/stack/testing';
import type { EachMessagePayload, Kafka } from 'kafkajs';
import { test } from 'tap';
import { PackedProject } from '../../src/packed.ts';

const folder = fileURLToPath(new URL('../../../../packages/producer/', import.meta.url));
const readme = await readFile(`${folder}README.md`, 'utf8');
const examples = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, example]) => example!);

/** Prints how often an idle producer sets a timer, and what comes of a broker that hangs up. */
const PATCHED = `import { setTimeout as sleep } from 'node:timers/promises';
import { createCallEventProducer } from '@calltally/producer';

const call = { call_id: 'c-4', user_id: 'u-42', started_at: '2026-03-01T09:30:00Z', duration_seconds: 60 };
const calls = createCallEventProducer({ brokers: ['127.0.0.1:9092'] });
await calls.send(call);
const { setTimeout } = globalThis;
let timers = 0;
const counted = (callback: () => void, ms?: number) => {
  timers++;
  return setTimeout(callback, ms);
};
Object.assign(globalThis, { setTimeout: counted });
await sleep(100);
console.log(timers);
Object.assign(globalThis, { setTimeout });
await calls.close();
const away = createCallEventProducer({ brokers: [process.env['AWAY'] ?? ''], deliveryTimeoutMs: 1_000 });
await away.send(call).catch(({ retryable }) => console.log(retryable));
await away.close();
`;

/** One program, as the compiler takes seconds to start. */
const program = [...examples, PATCHED]
  .map((source) => source.replace(/^import (.*) from ('.*');$/gm, imported))
  .map((source) => `{\n${source}}\n`)
  .join('');

function imported(_: string, names: string, from: string): string {
  return `const ${names.replace(' as ', ': ')} = await import(${from});`;
}

test('@calltally/producer, installed from its tarball, is whole, patched, and as its README says', async (t) => {
  const kafka = await testKafka(t);
  const client = kafkaClient({ brokers: kafka.address.split(','), clientId: 'packed-test' });
  const admin = client.admin();
  await admin.connect();
  const topic = uniqueName('calls');
  await ensureTopics(admin, { topic, dlqTopic: `${topic}.dlq`, partitions: 1 });
  await admin.disconnect();
  const here = (source: string) =>
    source.replaceAll(
      "brokers: ['127.0.0.1:9092']",
      `brokers: ${JSON.stringify(kafka.address.split(','))}, topic: '${topic}'`,
    );

  await promisify(execFile)('npm', ['run', 'prepack'], { cwd: folder });
  const project = await PackedProject.of(t, 'producer');
  t.comment(`${project.bytes} bytes`);
  const files = ['LICENSE', 'README.md', 'THIRD-PARTY-LICENSES', 'index.d.ts', 'index.js', 'package.json'];
  t.same(project.files.map((path) => path.replace(/^dist\//, '')).toSorted(), files);
  t.equal(project.manifest.dependencies, undefined, 'it brings nothing along');
  t.notMatch(JSON.stringify(project.manifest), /workspace:/);
  await project.publint();
  await project.attw();

  const address = hasIpv6() ? '::1' : '127.0.0.1';
  let connections = 0;
  const broker = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  t.teardown(() => broker.close());
  await once(broker.listen(0, address), 'listening');
  const { port } = broker.address() as AddressInfo;

  t.equal(examples.length, 4);
  await project.compile(here(program), 'node');
  const printed = await project.run({ AWAY: `${hasIpv6() ? '[::1]' : address}:${port}` });
  t.equal(printed, 'STARTED_AT_INVALID started_at\n0\ntrue\n', 'and an idle producer sets no timers');
  t.ok(connections > 0, 'it connects to IPv6 addresses');
  t.match(await firstMessages(t, client, topic, 4), [
    { call_id: 'c-20260301-0001', user_id: 'u-42', duration_seconds: 84.25, direction: 'inbound' },
    { call_id: 'c-2', duration_seconds: 60 },
    { call_id: 'c-2', duration_seconds: 90, revision: 1 },
    { call_id: 'c-2', revision: 2, deleted: true },
  ]);
});

async function firstMessages(t: Test, client: Kafka, topic: string, count: number): Promise<unknown[]> {
  const consumer = client.consumer({ groupId: uniqueName('packed') });
  t.teardown(() => consumer.disconnect());
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const values: unknown[] = [];
  return new Promise((resolve, reject) => {
    const eachMessage = async ({ message }: EachMessagePayload) => {
      values.push(JSON.parse(String(message.value)));
      if (values.length === count) resolve(values);
    };
    consumer.run({ eachMessage }).catch(reject);
  });
}
