import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'tap';
import { withStackAddresses } from '../src/stack-environment.ts';
import { folder } from './support.ts';

const addresses = {
  kafka: '127.0.0.1:20001',
  topic: 'calls.local',
  redis: 'redis://127.0.0.1:20002',
  mongo: 'mongodb://127.0.0.1:20003/calltally',
};

test('the stack of a running npm start', async (t) => {
  const cwd = await folder(t);
  await mkdir(join(cwd, '.calltally'));
  const write = (text: string) => writeFile(join(cwd, '.calltally', 'stack.json'), text);

  await t.test('is used where the environment says nothing', async (t) => {
    await write(JSON.stringify({ supervisor: process.pid, ...addresses }));
    t.strictSame(withStackAddresses({ env: {}, cwd }), {
      KAFKA_TOPIC: addresses.topic,
      KAFKA_BROKERS: addresses.kafka,
      REDIS_URL: addresses.redis,
      MONGODB_URI: addresses.mongo,
    });
  });

  await t.test('may have a Redis Cluster', async (t) => {
    const nodes = '127.0.0.1:20002,127.0.0.1:20004';
    const { redis: _, ...others } = addresses;
    await write(JSON.stringify({ supervisor: process.pid, ...others, redis_cluster: nodes }));
    t.equal(withStackAddresses({ env: {}, cwd }).REDIS_CLUSTER_NODES, nodes);
    const env = { REDIS_URL: 'redis://elsewhere' };
    t.equal(withStackAddresses({ env, cwd }).REDIS_CLUSTER_NODES, undefined, 'unless another is named');
    await write(JSON.stringify({ supervisor: process.pid, ...addresses }));
  });

  await t.test('gives way to the environment, variable by variable', async (t) => {
    const env = { KAFKA_BROKERS: 'kafka:9092', REDIS_CLUSTER_NODES: 'redis:6379', MONGODB_URI: '' };
    t.strictSame(withStackAddresses({ env, cwd }), { ...env, MONGODB_URI: addresses.mongo });
    const files = { REDIS_URL_FILE: '/run/redis', MONGODB_URI_FILE: '/run/mongo' };
    t.match(withStackAddresses({ env: files, cwd }), {
      ...files,
      REDIS_URL: undefined,
      MONGODB_URI: undefined,
    });
  });

  await t.test('counts only while its supervisor lives', async (t) => {
    // Beyond the largest number Linux gives to a process.
    await write(JSON.stringify({ supervisor: 4_194_305, ...addresses }));
    t.strictSame(withStackAddresses({ env: {}, cwd }), {});
  });

  await t.test('is ignored where the file cannot be read as one', async (t) => {
    for (const text of ['', 'null', '[]', '{"supervisor":"1"}']) {
      await write(text);
      t.strictSame(withStackAddresses({ env: {}, cwd }), {}, text);
    }
    t.strictSame(withStackAddresses({ env: {}, cwd: join(cwd, 'elsewhere') }), {});
  });
});
