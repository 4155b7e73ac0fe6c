import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startSecuredKafka } from '@calltally/stack';
import { drawPort, testCertificates, testMongo, testRedis, uniqueName } from '@calltally/stack/testing';
import { test } from 'tap';
import { runCalltally } from '../src/command.ts';
import { samplesOf } from '../src/metrics.ts';
import { Service } from '../src/service.ts';
import { loggedBy } from '../src/service-log.ts';

const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'];
const E2E = fileURLToPath(new URL('../', import.meta.url));
const OLD = 'as-it-was';
const NEW = 'as-it-is-now';
const WRONG = 'never-heard-of';

test('Kafka that requires TLS and a login', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'calltally-login-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const dataDir = join(folder, 'kafka');
  const certificates = await testCertificates(t);
  const startWith = async (password: string) => {
    const security = { login: { username: 'ada', password }, certificates };
    const engine = await startSecuredKafka({ dataDir, security });
    t.teardown(() => engine.stop('SIGKILL'));
    return engine;
  };
  const [kafka, redis, mongo] = await Promise.all([startWith(OLD), testRedis(t), testMongo(t)]);
  const topic = uniqueName('calls');
  const env = (mechanism: string, password: string) => ({
    KAFKA_SSL_CA_FILE: certificates.ca,
    KAFKA_BROKERS: kafka.address,
    KAFKA_SSL: 'true',
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: 'ada',
    KAFKA_SASL_PASSWORD: password,
    KAFKA_TOPIC: topic,
    KAFKA_DLQ_TOPIC: `${topic}.dlq`,
    KAFKA_GROUP_ID: `${topic}-ingest`,
    REDIS_URL: redis.address,
    MONGODB_URI: `${mongo.address}/${topic.replaceAll('-', '_')}`,
  });

  const ingestOf = async (mechanism: string, password: string) => {
    const port = await drawPort();
    const set = { ...env(mechanism, password), INGEST_PORT: String(port) };
    const ingest = new Service('ingest', port, set, folder);
    t.teardown(() => ingest.end('SIGKILL'));
    return ingest;
  };
  const call = (id: string) => ({
    call_id: `${topic}-${id}`,
    user_id: topic,
    started_at: new Date().toISOString(),
    duration_seconds: 60,
  });
  const publish = (id: string, mechanism: string, password: string) => {
    const file = join(folder, `${id}.ndjson`);
    writeFileSync(file, `${JSON.stringify(call(id))}\n`);
    return runCalltally(env(mechanism, password), 'publish', file);
  };
  const send = (id: string, mechanism: string, password: string) =>
    sendFromProducer(env(mechanism, password), call(id));

  const refused = (command: Ran, what: string) => {
    t.match(command, { status: 1 }, `${what} fails`);
    t.match(
      command.err,
      /^calltally: Kafka refused the login: .*KAFKA_SASL_PASSWORD.* \(KAFKA_REFUSED\)\n$/,
      what,
    );
  };

  for (const mechanism of MECHANISMS) {
    const ingest = await ingestOf(mechanism, OLD);
    await ingest.start();
    const [published, sent] = await Promise.all([
      publish(mechanism, mechanism, OLD),
      send(`${mechanism}-2`, mechanism, OLD),
    ]);
    t.match(published, { status: 0, out: /^1 published/, err: '' }, mechanism);
    t.match(sent, { status: 0, err: '' }, `${mechanism}: producer`);
    await untilInserted(ingest, 2);
    await untilNothingIsBehind(env(mechanism, OLD));
    t.equal(await ingest.end('SIGTERM'), 0);
  }

  const waiting = await ingestOf('plain', NEW);
  waiting.launch();
  await waiting.alive();
  for (const mechanism of MECHANISMS) {
    const [lag, published, sent] = await Promise.all([
      runCalltally(env(mechanism, WRONG), 'lag'),
      publish(`${mechanism}-wrong`, mechanism, WRONG),
      send(`${mechanism}-wrong`, mechanism, WRONG),
    ]);
    refused(lag, `${mechanism}: lag`);
    refused(published, `${mechanism}: publish`);
    t.match(
      { status: sent.status, err: sent.err },
      { status: 1, err: /^PRODUCER_REFUSED false: Kafka refused the login: SASL/ },
      mechanism,
    );
  }
  t.equal((await fetch(`${waiting.url}/readyz`)).status, 503);
  const told = troubles(waiting);
  t.equal(told.length, 1, 'however often ingest tries, it says so once', { told });
  const reason = /Kafka refused the login: SASL PLAIN .*KAFKA_SASL_PASSWORD/;
  t.match(told[0], { level: 'error', code: 'KAFKA_REFUSED', msg: reason }, 'and why');

  await kafka.stop();
  const renewed = await startWith(NEW);
  t.equal(renewed.address, kafka.address, 'the same broker knows another password');
  await waiting.ready();
  t.match(await publish('at-last', 'plain', NEW), { status: 0, err: '' }, 'it takes events again');
  await untilInserted(waiting, 1);

  await renewed.stop();
  await startWith(OLD);
  t.equal(
    await waiting.exited,
    1,
    'a process that is refused while it counts ends, so that its supervisor restarts it',
  );
  // Not the last line: until the process has ended, clients that lost the same broker may log that.
  const fatal = troubles(waiting).filter(({ level }) => level === 'fatal');
  t.match(fatal, [{ err: { message: /^SASL PLAIN/ } }], 'and says why');
  t.equal(fatal.length, 1);
});

interface Ran {
  status: number;
  out: string;
  err: string;
}

/** Another team's service that sends one event, with frozen options. */
async function sendFromProducer(env: Record<string, string>, event: object): Promise<Ran> {
  const script = `
    import { readFileSync } from 'node:fs';
    import { createCallEventProducer } from '@calltally/contract/producer';
    const ssl = Object.freeze({ ca: readFileSync(process.env.KAFKA_SSL_CA_FILE, 'utf8') });
    const { KAFKA_BROKERS, KAFKA_TOPIC, KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD } = process.env;
    const sasl = Object.freeze({
      mechanism: KAFKA_SASL_MECHANISM, username: KAFKA_SASL_USERNAME, password: KAFKA_SASL_PASSWORD,
    });
    const brokers = Object.freeze([KAFKA_BROKERS]);
    const calls = createCallEventProducer(Object.freeze({ brokers, ssl, sasl, topic: KAFKA_TOPIC }));
    try {
      await calls.send(JSON.parse(process.argv[1]));
    } catch (error) {
      console.error(error.code, error.retryable + ':', error.message.replace(error.code + ': ', ''));
      process.exitCode = 1;
    }
    await calls.close();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, JSON.stringify(event)], {
    cwd: E2E,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const status = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? -1)));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { status: await status, out, err };
}

/** Offsets are committed behind the counting, and again after a rebalance, which a slow machine may cause. */
async function untilNothingIsBehind(env: Record<string, string>): Promise<void> {
  for (const end = Date.now() + 180_000; ; ) {
    const { status, out, err } = await runCalltally(env, 'lag', '--json');
    if (status === 0 && JSON.parse(out).behind === 0) return;
    if (Date.now() > end) throw new Error(`something stays behind: ${out}${err}`);
  }
}

async function untilInserted(ingest: Service, count: number): Promise<void> {
  for (const end = Date.now() + 180_000; ; await sleep(100)) {
    const page = await (await fetch(`${ingest.url}/metrics`)).text();
    const inserted = samplesOf(page, 'calltally_events_total').filter(({ labels }) =>
      labels.includes('inserted'),
    );
    if (inserted.some(({ value }) => value === count)) return;
    if (Date.now() > end) throw new Error(`${count} events are not counted:\n${ingest.log.slice(-4000)}`);
  }
}

/** What ingest logged above level `info`. */
const troubles = (ingest: Service) => loggedBy(ingest).filter(({ level }) => level !== 'info');
