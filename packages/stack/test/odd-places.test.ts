import { test } from 'tap';
import { uniqueFolder } from '../src/folder.ts';
import { obtainKafka } from '../src/obtain/kafka.ts';
import { startStack } from '../src/stack.ts';

/** Names with characters that are special in a list, a settings file, a class path, a URL or a shell. */
const ODD = ["ü ъ 例 #%41?&=;'", `a,b=[c]{d}!(e) ${'long '.repeat(30)}`];

test('engines run in a folder of any name, even with the POSIX locale', async (t) => {
  const { LC_ALL, LANG, TMPDIR, KAFKA_BROKERS, REDIS_URL, MONGODB_URI, XDG_CACHE_HOME } = process.env;
  const before = { LC_ALL, LANG, TMPDIR, KAFKA_BROKERS, REDIS_URL, MONGODB_URI, XDG_CACHE_HOME };
  t.teardown(() => {
    for (const name of Object.keys(before)) delete process.env[name];
    for (const [name, value] of Object.entries(before)) if (value !== undefined) process.env[name] = value;
  });
  const folder = await uniqueFolder();
  t.teardown(() => folder.remove());
  for (const name of ['LANG', 'KAFKA_BROKERS', 'REDIS_URL', 'MONGODB_URI']) delete process.env[name];
  process.env.LC_ALL = 'C';
  process.env.TMPDIR = folder.path('not there');
  for (const odd of ODD) {
    const stack = await startStack({ dataDir: folder.path(odd) });
    t.ok(stack.kafka.pid && stack.redis.pid && stack.mongo.pid, odd);
    await stack.stop();
    const again = await startStack({ dataDir: folder.path(odd) });
    t.ok(again.kafka.pid, 'again, with the existing data');
    await again.stop();
  }

  // Only Kafka, because the others take minutes to obtain.
  process.env.XDG_CACHE_HOME = folder.path(`${ODD[0]} cache`);
  t.match((await obtainKafka()).formatted, 'cache', 'Maven can write to such a folder too');
});
