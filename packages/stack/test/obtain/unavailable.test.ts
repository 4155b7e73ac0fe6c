import { test } from 'tap';
import { uniqueFolder } from '../../src/folder.ts';
import { StackError, startKafka, startMongo, startRedis } from '../../src/index.ts';

const engines = { kafka: startKafka, redis: startRedis, mongo: startMongo };
const variables = { kafka: 'KAFKA_BROKERS', redis: 'REDIS_URL', mongo: 'MONGODB_URI' };

test('an engine that cannot be had is one line that names it and what mends it', async (t) => {
  const { PATH, XDG_CACHE_HOME } = process.env;
  const folder = await uniqueFolder();
  process.env.PATH = folder.path('empty');
  process.env.XDG_CACHE_HOME = folder.path('cache');
  t.teardown(async () => {
    process.env.PATH = PATH;
    if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
    await folder.remove();
  });
  for (const name of ['kafka', 'redis', 'mongo'] as const) {
    const error: unknown = await engines[name]({ dataDir: folder.path(name) }).catch((reason) => reason);
    if (!(error instanceof StackError)) return t.fail(`${name}: ${error}`);
    t.match(error, { code: 'STACK_UNAVAILABLE', engine: name });
    t.match(
      error.message,
      new RegExp(`^${name}: [^\n]* on PATH; install [^\n]*, or set ${variables[name]}$`),
    );
  }
});
