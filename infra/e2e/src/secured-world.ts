import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Certificates,
  type Engine,
  type SecuredKafka,
  startMongo,
  startSecuredKafka,
} from '@calltally/stack';
import { type Test, testCertificates, testRedis, uniqueName } from '@calltally/stack/testing';

export const LOGIN = { username: 'ada', password: 'r1ght' };

/** Three engines that want TLS and a login, and the environment that gives both, with each secret in a file. */
export interface SecuredWorld {
  readonly folder: string;
  readonly topic: string;
  readonly certificates: Certificates;
  readonly kafka: SecuredKafka;
  readonly mongo: Engine;
  readonly env: Readonly<Record<string, string>>;
  /** Writes a secret to a file and returns its path. */
  secret(text: string): string;
}

/** @param addUser creates the user of `LOGIN` in a Mongo that asks for no login yet, at this address */
export async function securedWorld(
  t: Test,
  addUser: (address: string) => Promise<void>,
): Promise<SecuredWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'calltally-secured-'));
  // PostgreSQL runs as another user.
  chmodSync(folder, 0o755);
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const certificates = await testCertificates(t);
  const { ca, client, server } = certificates;
  let secrets = 0;
  const secret = (text: string) => {
    const path = join(folder, `secret-${++secrets}`);
    writeFileSync(path, `${text}\n`, { mode: 0o600 });
    return path;
  };
  const stoppedWith = <E extends Engine>(engine: E) => {
    t.teardown(() => engine.stop('SIGKILL'));
    return engine;
  };
  const startGuardedMongo = async () => {
    const dataDir = join(folder, 'mongo');
    const open = await startMongo({ dataDir });
    await addUser(open.address).finally(() => open.stop());
    return startMongo({ dataDir, auth: true, tls: { identity: server, ca, mutual: client } });
  };
  const [kafka, mongo, redis] = await Promise.all([
    startSecuredKafka({
      dataDir: join(folder, 'kafka'),
      security: { login: LOGIN, certificates },
    }).then(stoppedWith),
    startGuardedMongo().then(stoppedWith),
    testRedis(t, ['--requirepass', LOGIN.password], { identity: server, ca, mutual: client }),
  ]);
  const topic = uniqueName('calls');
  const clientBoth = join(folder, 'client-both.pem');
  writeFileSync(clientBoth, readFileSync(client.key, 'utf8') + readFileSync(client.cert, 'utf8'));
  const { username, password } = LOGIN;
  const mongoUri = new URL(`${mongo.address}/${topic.replaceAll('-', '_')}`);
  Object.assign(mongoUri, { username, password });
  mongoUri.search = `${new URLSearchParams({
    authSource: 'admin',
    tls: 'true',
    tlsCAFile: ca,
    tlsCertificateKeyFile: clientBoth,
  })}`;
  const env = {
    KAFKA_BROKERS: kafka.listeners.login,
    KAFKA_SSL: 'true',
    KAFKA_SSL_CA_FILE: ca,
    KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
    KAFKA_SASL_USERNAME: username,
    KAFKA_SASL_PASSWORD_FILE: secret(password),
    KAFKA_TOPIC: topic,
    KAFKA_DLQ_TOPIC: `${topic}.dlq`,
    KAFKA_GROUP_ID: `${topic}-ingest`,
    REDIS_URL: redis.address,
    REDIS_PASSWORD_FILE: secret(password),
    REDIS_TLS_CA_FILE: ca,
    REDIS_TLS_CERT_FILE: client.cert,
    REDIS_TLS_KEY_FILE: client.key,
    MONGODB_URI_FILE: secret(mongoUri.href),
  };
  return { folder, topic, certificates, kafka, mongo, env, secret };
}
