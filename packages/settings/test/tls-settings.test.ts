import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates } from '@calltally/stack';
import { test } from 'tap';
import { type Environment, KafkaSettings, RedisSettings, readSettings } from '../src/index.ts';
import { faultsOf } from './faults-of.ts';

test('certificates', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'calltally-settings-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const { ca, client, server } = await makeCertificates(folder);
  const pem = (path: string) => readFileSync(path, 'utf8').trimEnd();
  const faulty = (env: Environment) =>
    faultsOf([KafkaSettings, RedisSettings], env).map(({ variable }) => variable);
  const redisTls = { REDIS_URL: 'rediss://h' };

  t.test('are read from files or variables, for Kafka and for every node of Redis', async (t) => {
    const tls = { ca: pem(ca), cert: pem(client.cert), key: pem(client.key) };
    const kafka = readSettings([KafkaSettings], {
      KAFKA_SSL: 'true',
      KAFKA_SSL_CA_FILE: ca,
      KAFKA_SSL_CERT_FILE: client.cert,
      KAFKA_SSL_KEY: tls.key,
    }).kafka;
    t.same(kafka.ssl, tls);
    const env = {
      ...redisTls,
      REDIS_TLS_CA: `${tls.ca}\n${pem(server.cert)}`,
      REDIS_TLS_CERT: tls.cert,
      REDIS_TLS_KEY_FILE: client.key,
    };
    const both = { ...tls, ca: env.REDIS_TLS_CA };
    t.same(readSettings([RedisSettings], env).redis, { url: 'rediss://h', tls: both });
    t.match(readSettings([RedisSettings], { ...env, REDIS_CLUSTER_NODES: 'a:1' }).redis, { tls: both });
    t.same(readSettings([KafkaSettings], { KAFKA_SSL: 'true' }).kafka.ssl, true);
  });

  t.test('need each other, and TLS', async (t) => {
    const kafka = { KAFKA_SSL: 'true' };
    t.same(faulty({ ...kafka, KAFKA_SSL_CERT_FILE: client.cert }), ['KAFKA_SSL_KEY']);
    t.same(faulty({ ...kafka, KAFKA_SSL_KEY_FILE: client.key }), ['KAFKA_SSL_CERT']);
    t.same(faulty({ KAFKA_SSL_CA_FILE: ca, REDIS_TLS_CA_FILE: ca }), ['KAFKA_SSL', 'REDIS_URL']);
    const other = { KAFKA_SSL_CERT_FILE: client.cert, KAFKA_SSL_KEY_FILE: server.key };
    t.same(faulty({ ...kafka, ...other }), ['KAFKA_SSL_KEY'], 'the key of another certificate');
  });

  t.test('must be PEM', async (t) => {
    t.same(faulty({ ...redisTls, REDIS_TLS_CA: 'ca.pem' }), ['REDIS_TLS_CA']);
    t.same(faulty({ ...redisTls, REDIS_TLS_CA_FILE: client.key }), ['REDIS_TLS_CA_FILE'], 'a key is none');
    const swapped = { REDIS_TLS_CERT_FILE: client.key, REDIS_TLS_KEY_FILE: client.cert };
    t.same(faulty({ ...redisTls, ...swapped }), ['REDIS_TLS_CERT_FILE', 'REDIS_TLS_KEY_FILE']);
    const cut = `${pem(ca).slice(0, 200)}\n-----END CERTIFICATE-----`;
    t.same(faulty({ ...redisTls, REDIS_TLS_CA: cut }), ['REDIS_TLS_CA']);
  });
});
