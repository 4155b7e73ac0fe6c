import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { test } from 'tap';
import { makeCertificates } from '../src/certificates.ts';
import { uniqueFolder } from '../src/folder.ts';
import { startSecuredKafka } from '../src/kafka.ts';
import { testKafka, uniqueName } from '../src/testing.ts';

type Admin = ReturnType<Kafka['admin']>;

/** Retries, because a leader is announced a moment before it serves, and kafkajs does not retry this call. */
async function offsetsOf(admin: Admin, topic: string): ReturnType<Admin['fetchTopicOffsets']> {
  for (let tries = 1; ; tries++) {
    try {
      return await admin.fetchTopicOffsets(topic);
    } catch (error) {
      if (tries === 50 || !(error as { retriable?: boolean }).retriable) throw error;
      await sleep(100);
    }
  }
}

test('Kafka keeps acknowledged records and its port after kill -9', async (t) => {
  // Needs its own engine: a kill would break other tests.
  delete process.env.KAFKA_BROKERS;
  const engine = await testKafka(t);
  const { address } = engine;
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
  const topic = uniqueName('calls');
  const admin = kafka.admin();
  t.teardown(() => admin.disconnect());
  await admin.connect();
  await admin.createTopics({ topics: [{ topic }] });
  t.equal((await offsetsOf(admin, topic)).length, 6, 'six partitions by default');
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic, acks: -1, messages: [{ key: 'ada', value: 'one', partition: 2 }] });
  await producer.disconnect();

  await engine.stop('SIGKILL');
  t.equal(engine.pid, undefined);
  await engine.start();
  t.equal(engine.address, address);

  const after = kafka.admin();
  t.teardown(() => after.disconnect());
  await after.connect();
  const offsets = await offsetsOf(after, topic);
  t.equal(offsets.find(({ partition }) => partition === 2)?.offset, '1');
});

test('Kafka with a login accepts its user by each mechanism, and nobody else', async (t) => {
  const folder = await uniqueFolder();
  t.teardown(() => folder.remove());
  const dataDir = folder.path('kafka');
  const certificates = await makeCertificates(folder.path('certificates'));
  const security = { certificates, login: { username: 'ada', password: 'right' } };
  const engine = await startSecuredKafka({ dataDir, security });
  t.teardown(() => engine.stop('SIGKILL'));
  const ca = readFileSync(certificates.ca, 'utf8');
  const topicsOf = async (options: object) => {
    const kafka = new Kafka({
      brokers: [engine.address],
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
      ...options,
    });
    const admin = kafka.admin();
    try {
      await admin.connect();
      return await admin.listTopics();
    } finally {
      await admin.disconnect();
    }
  };
  for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512']) {
    const sasl = (username: string, password: string) => ({ sasl: { mechanism, username, password } });
    t.same(await topicsOf({ ssl: { ca }, ...sasl('ada', 'right') }), [], mechanism);
    const refused = { name: 'KafkaJSSASLAuthenticationError' };
    await t.rejects(topicsOf({ ssl: { ca }, ...sasl('ada', 'wrong') }), refused, `${mechanism}: password`);
    await t.rejects(topicsOf({ ssl: { ca }, ...sasl('eve', 'right') }), refused, `${mechanism}: user`);
    await t.rejects(
      topicsOf({ ssl: true, ...sasl('ada', 'right') }),
      /certificate/,
      'without the CA, its certificate is not trusted',
    );
  }
  await t.rejects(topicsOf({ ssl: { ca } }), 'without a login');
  await t.rejects(topicsOf({}), 'without TLS');

  const at = (name: 'mutual' | 'expired' | 'elsewhere', ssl: object) =>
    topicsOf({ brokers: [engine.listeners[name]], ssl });
  const { client, stranger } = certificates;
  const as = ({ cert, key }: { cert: string; key: string }) => ({
    ca,
    cert: readFileSync(cert, 'utf8'),
    key: readFileSync(key, 'utf8'),
  });
  t.same(await at('mutual', as(client)), []);
  await t.rejects(at('mutual', as(stranger)), /alert/);
  await t.rejects(at('mutual', { ca }), /alert/);
  await t.rejects(at('expired', { ca }), /expired/);
  await t.rejects(at('elsewhere', { ca }), /altnames/);
});
