import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { testKafka, testMongo, testRedis, uniqueName } from '@calltally/stack/testing';
import { test } from 'tap';
import { choosePort } from '../src/ports.ts';
import { Service } from '../src/service.ts';
import { Teller, type Told, watchCounting } from '../src/watch-counting.ts';
import { eventually, folder } from './support.ts';

const INGEST = fileURLToPath(new URL('../../../services/ingest/dist/main.js', import.meta.url));

test('prints when and why ingest cannot count, and when it counts again', async (t) => {
  const path = await folder(t);
  const [kafka, mongo, redis] = await Promise.all([
    testKafka(t),
    testMongo(t),
    testRedis(t, ['--maxmemory-policy', 'allkeys-lru']),
  ]);
  const port = await choosePort({ variable: 'INGEST_PORT', value: '0', usual: 0, host: '127.0.0.1' });
  const logFile = join(path, 'ingest.log');
  const topic = uniqueName('calls');
  const ingest = new Service({
    name: 'ingest',
    main: INGEST,
    env: {
      ...process.env,
      KAFKA_BROKERS: kafka.address,
      KAFKA_TOPIC: topic,
      KAFKA_DLQ_TOPIC: `${topic}.dlq`,
      KAFKA_GROUP_ID: topic,
      REDIS_URL: redis.address,
      MONGODB_URI: `${mongo.address}/${uniqueName('dev')}`,
      INGEST_PORT: `${port}`,
    },
    logFile,
    say: () => {},
  });
  t.teardown(() => ingest.stop());
  const said: string[] = [];
  const says = (line: RegExp) => eventually(() => (said.some((one) => line.test(one)) ? true : undefined));
  const address = `http://127.0.0.1:${port}`;
  const watch = watchCounting({ address, logFile, say: (line) => said.push(line) });
  t.teardown(() => watch.stop());

  ingest.start();
  await says(/^counting stands still: Redis may evict keys, [^\n]*noeviction \(COUNTERS_EVICTING\)/);
  const { port: redisPort } = new URL(redis.address);
  const keepAll = () =>
    connect({ port: Number(redisPort), host: '127.0.0.1' }).end('CONFIG SET maxmemory-policy noeviction\r\n');
  keepAll();
  await says(/^counting goes on$/);
  t.equal(said.length, 2, 'once each');
  said.length = 0;
  await redis.stop('SIGKILL');
  await says(
    /^counting stands still: Redis cannot be reached; [^\n]*REDIS_URL[^\n]*\(COUNTERS_LOST\) \(log: .*ingest\.log\)$/,
  );
  await redis.start();
  keepAll();
  await says(/^counting goes on$/);
  await ingest.stop();
  await says(/^counting stands still: ingest does not answer/);
  // The restarted Redis evicts again, and a poll may have seen that before keepAll.
  const lines = said.filter((line) => !line.includes('COUNTERS_EVICTING'));
  t.match(lines, [/COUNTERS_LOST/, /^counting goes on$/, /does not answer/], 'once each');
});

const fine: Told = { joined: true, counting: true, held: [], failures: new Map(), refused: [] };

/** The lines that are printed for these polls. */
function linesOf(looks: readonly (Told | undefined)[]): string[] {
  const said: string[] = [];
  const teller = new Teller('ingest.log', (line) => said.push(line));
  for (const look of looks) teller.take(look);
  return said;
}

test('a short failure prints nothing, and a lasting one prints each code once', async (t) => {
  const away = { ...fine, counting: false };
  t.strictSame(linesOf([fine, fine, fine, away, away, fine, away, away, fine, fine, fine]), []);
  const failing = Array.from({ length: 40 }, (_, i) => ({
    ...away,
    failures: new Map([
      ['STORE_UNAVAILABLE', Math.ceil(i / 2)],
      ['STORE_TIMEOUT', Math.floor(i / 2)],
    ]),
  }));
  const lines = linesOf([...failing, fine, fine, fine, fine]);
  t.match(lines, [
    /^counting stands still: .*\(STORE_/,
    /^counting stands still: .*\(STORE_/,
    /^counting goes on$/,
  ]);
  t.match(
    lines.join(),
    /no Mongo can be reached; see that it runs, that MONGODB_URI names it, [^\n]*\(STORE_UNAVAILABLE\)/,
  );
  t.equal(lines.length, 3);
  const busy = Array.from({ length: 20 }, (_, i) => ({
    ...fine,
    failures: new Map([['STORE_CONFLICT', i]]),
  }));
  t.strictSame(linesOf(busy), [], 'conflicts, which are retried at once, are no trouble');
});

test('held partitions are listed with their reason', async (t) => {
  const held = [3, 0].map((partition) => ({ partition, code: 'INGEST_DEAD_LETTERS_UNAVAILABLE' }));
  t.match(linesOf(Array(9).fill({ ...fine, held })), [
    /^partitions 0, 3 are not counted: dead letters cannot be written/,
  ]);
  t.match(linesOf(Array(9).fill({ ...fine, held: [{ partition: 1, code: 'OPEN_TRANSACTION' }] })), [
    /^partition 1 is not counted: OPEN_TRANSACTION, see docs\/operations\.md \(log: ingest\.log\)$/,
  ]);
  t.match(linesOf(Array(9).fill({ ...fine, refused: [2] })), [
    /^partition 2 is not counted: the topic was recreated; .*--new-stream/,
  ]);
});
