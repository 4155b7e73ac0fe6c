import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ensureTopics, kafkaClient, TOPIC_DEFAULTS } from '@calltally/contract';
import { testKafka, uniqueName } from '@calltally/stack/testing';
import { test } from 'tap';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const snippet = /^```ts\n(.*?)^```$/ms.exec(await readFile(join(root, 'README.md'), 'utf8'))?.[1];

test("the README's TypeScript is the file that it names", async (t) => {
  t.equal(snippet, await readFile(join(root, 'docs/publish.ts'), 'utf8'));
});

test("the README's TypeScript, as pasted, publishes to the Kafka of npm start", async (t) => {
  const kafka = await testKafka(t);
  const client = kafkaClient({ brokers: kafka.address.split(','), clientId: 'readme-test' });
  const admin = client.admin();
  await admin.connect();
  t.teardown(() => admin.disconnect());
  await ensureTopics(admin, TOPIC_DEFAULTS);

  // To the snippet, this is a folder in which `npm start` runs.
  const folder = await mkdtemp(join(tmpdir(), 'calltally-readme-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, '.calltally'));
  await writeFile(join(folder, '.calltally/stack.json'), JSON.stringify({ kafka: kafka.address }));
  // Its import resolves here, as in any file below the root. Tests that read all files do not look here.
  const pasted = join(root, '.calltally', `${uniqueName('pasted')}.ts`);
  await mkdir(dirname(pasted), { recursive: true });
  t.teardown(() => rm(pasted, { force: true }));
  await writeFile(pasted, snippet!);
  const { KAFKA_BROKERS: _, ...env } = process.env;
  const tsx = import.meta.resolve('tsx');
  await promisify(execFile)(process.execPath, ['--import', tsx, pasted], { cwd: folder, env });

  const consumer = client.consumer({ groupId: uniqueName('readme') });
  t.teardown(() => consumer.disconnect());
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC_DEFAULTS.topic, fromBeginning: true });
  const value = await new Promise<Buffer | null>((resolve, reject) => {
    consumer.run({ eachMessage: async ({ message }) => resolve(message.value) }).catch(reject);
  });
  t.match(JSON.parse(String(value)), { call_id: 'c-2', user_id: 'me', duration_seconds: 60 });
});
