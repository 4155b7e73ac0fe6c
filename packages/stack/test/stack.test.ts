import { test } from 'tap';
import { uniqueFolder } from '../src/folder.ts';
import { startStack } from '../src/index.ts';
import { testKafka, testMongo, uniqueName } from '../src/testing.ts';

const named = {
  KAFKA_BROKERS: 'kafka.example:9092',
  REDIS_URL: 'rediss://redis.example:6380',
  MONGODB_URI: 'mongodb://mongo.example:27017',
};

test('an engine that an environment variable names is not started or stopped', async (t) => {
  const before = { ...process.env };
  Object.assign(process.env, named);
  t.teardown(() => {
    for (const name of Object.keys(named)) delete process.env[name];
    Object.assign(process.env, before);
  });
  const folder = await uniqueFolder();
  t.teardown(folder.remove);
  const { kafka, redis, mongo, stop } = await startStack({ dataDir: folder.path('stack') });
  t.same(
    [kafka, redis, mongo].map(({ address, external, pid }) => ({ address, external, pid })),
    Object.values(named).map((address) => ({ address, external: true, pid: undefined })),
  );
  await kafka.stop('SIGKILL');
  await stop();
  t.equal((await testKafka(t)).address, named.KAFKA_BROKERS, 'tests use it too');
  t.equal((await testMongo(t)).address, named.MONGODB_URI);
});

test('every name is unique', (t) => {
  t.not(uniqueName('user'), uniqueName('user'));
  t.match(uniqueName('user'), /^user-[0-9a-f]{12}$/);
  t.end();
});
