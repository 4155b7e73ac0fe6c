import { test } from 'tap';
import { uniqueFolder } from '../src/folder.ts';
import { obtainKafka } from '../src/obtain/kafka.ts';
import { startStack } from '../src/stack.ts';

/** Each has something that some list, file, class path, URL or shell would take for its own. */
const ODD = ["ü ъ 例 #%41?&=;'", `a,b=[c]{d}!(e) ${'long '.repeat(30)}`];

test('engines run wherever the folder lies, in a shell whose locale is POSIX’s', async (t) => {
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
    t.ok(again.kafka.pid, 'and again, on what is there');
    await again.stop();
  }

  // Kafka alone, since the others take minutes.
  process.env.XDG_CACHE_HOME = folder.path(`${ODD[0]} cache`);
  t.match((await obtainKafka()).formatted, 'cache', 'Maven obtains it into such a folder, too');
});
