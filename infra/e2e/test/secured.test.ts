import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type KafkaFault, kafkaClient, kafkaFault } from '@calltally/contract';
import { createCallEventProducer } from '@calltally/contract/producer';
import { LOGIN_LIFE_MS } from '@calltally/stack';
import { drawPort, hasIpv6, testSecuredRedisCluster } from '@calltally/stack/testing';
import { MongoClient } from 'mongodb';
import { test } from 'tap';
import { runCalltally } from '../src/command.ts';
import { untilAnswered } from '../src/dashboard.ts';
import { TcpProxy } from '../src/proxy.ts';
import { LOGIN, securedWorld } from '../src/secured-world.ts';
import { Service } from '../src/service.ts';
import { loggedBy, untilLogged } from '../src/service-log.ts';
import { countTlsConnections } from '../src/tls-connections.ts';
import { TokenEndpoint } from '../src/token-endpoint.ts';

/** How many lives of a login clients have to outlive. */
const LIVES = 2.5;

/** Variables that are `undefined` are left out. */
type Changes = Readonly<Record<string, string | undefined>>;

test('engines that want TLS, certificates and logins', async (t) => {
  const world = await securedWorld(t, async (address) => {
    const client = new MongoClient(address);
    const roles = [{ role: 'readWriteAnyDatabase', db: 'admin' }];
    const { username, password } = LOGIN;
    await client.db('admin').command({ createUser: username, pwd: password, roles });
    await client.close();
  });
  const tlsConnections = countTlsConnections(t);
  const { certificates, kafka, topic, env } = world;
  const { login, mutual, expired, elsewhere, ipv6 } = kafka.listeners;
  const { otherCa } = certificates;
  const tokens = await TokenEndpoint.start();
  t.teardown(() => tokens.stop());

  const envWith = (changes: Changes): Record<string, string> =>
    Object.fromEntries(
      Object.entries({ ...env, ...changes }).flatMap(([name, value]) => (value ? [[name, value]] : [])),
    );
  const launch = async (name: 'api' | 'ingest', changes: Changes = {}) => {
    const port = await drawPort();
    const ports = { [name === 'api' ? 'PORT' : 'INGEST_PORT']: `${port}` };
    const service = new Service(
      name,
      port,
      envWith({ DRAIN_SECONDS: '0', ...changes, ...ports }),
      world.folder,
    );
    t.teardown(() => service.end('SIGKILL'));
    service.launch();
    return service;
  };
  const call = (id: string) => ({
    call_id: `${topic}-${id}`,
    user_id: topic,
    started_at: new Date().toISOString(),
    duration_seconds: 60,
  });

  const noLogin = {
    KAFKA_SASL_MECHANISM: undefined,
    KAFKA_SASL_USERNAME: undefined,
    KAFKA_SASL_PASSWORD_FILE: undefined,
  };
  const byToken = {
    ...noLogin,
    KAFKA_SASL_MECHANISM: 'oauthbearer',
    KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: tokens.url,
    KAFKA_SASL_OAUTHBEARER_CLIENT_ID: 'tally',
    KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE: world.secret('right'),
  };
  const byCertificate = {
    ...noLogin,
    KAFKA_BROKERS: kafka.listeners.mutual,
    KAFKA_SSL_CERT_FILE: certificates.client.cert,
    KAFKA_SSL_KEY_FILE: certificates.client.key,
  };

  await t.test('calls are counted and answered, by whatever way Kafka lets us in', async (t) => {
    // Two members of one group, by two mechanisms.
    const ingests = await Promise.all([launch('ingest'), launch('ingest', byToken)]);
    const api = await launch('api');
    await Promise.all([...ingests, api].map((service) => service.ready()));
    const made = await runCalltally(env, 'keys', 'create', '--user', topic, '--json');
    t.match(made, { status: 0, err: '' });
    const { api_key: key } = JSON.parse(made.out);
    for (const [way, changes] of [
      ['login', {}],
      ['token', byToken],
      ['certificate', byCertificate],
    ] as [string, Changes][]) {
      const file = join(world.folder, `${way}.ndjson`);
      writeFileSync(file, `${JSON.stringify(call(way))}\n`);
      const published = await runCalltally(envWith(changes), 'publish', file);
      t.match(published, { status: 0, out: /^1 published/, err: '' }, way);
    }
    const producerAt = (broker: string, options: object) => {
      const producer = createCallEventProducer({ brokers: [broker], topic, ...options });
      t.teardown(() => producer.close());
      return producer;
    };
    const producer = producerAt(login, {
      ssl: { ca: pem(certificates.ca) },
      sasl: tokenLogin({ url: tokens.url, clientId: 'tally', clientSecret: 'right' }),
    });
    let calls = 5;
    if (ipv6 !== undefined) {
      await producerAt(ipv6, {}).send(call('ipv6'));
      calls += 1;
    }
    const given = tokens.given;
    await producer.sendAll([call('producer-1'), call('producer-2')]);
    t.equal(tokens.given, given + 1, 'one token for all its connections');

    const answer = await untilAnswered(api.url, key, calls);
    t.match(answer, { status: 200, source: 'counters' }, 'from Redis');
    t.match(await runCalltally(env, 'verify', '--all'), { status: 0, err: '' }, 'Mongo agrees');

    const joins = () =>
      ingests.map((one) => loggedBy(one).filter(({ msg }) => msg === 'partitions assigned').length);
    const before = joins();
    const forming = testSecuredRedisCluster(t, {
      tls: { identity: certificates.server, ca: certificates.ca, mutual: certificates.client },
      password: LOGIN.password,
    });
    const admin = kafkaClient({
      brokers: [login],
      clientId: 'secured-test',
      ssl: { ca: pem(certificates.ca) },
      sasl: { mechanism: 'scram-sha-512', ...LOGIN },
    }).admin();
    t.teardown(() => admin.disconnect());
    await admin.connect();
    const useFor = async (ms: number) => {
      for (const end = Date.now() + ms; Date.now() < end; await sleep(500)) {
        await Promise.all([admin.listTopics(), producer.send(call(`later-${calls}`))]);
        calls += 1;
      }
    };
    // It is probed by TLS from here, too.
    const [nodes] = await Promise.all([forming, useFor(2_000)]);
    const connections = tlsConnections();
    await useFor(LIVES * LOGIN_LIFE_MS);
    t.equal(tlsConnections(), connections, 'a producer and an admin keep their connections');
    await untilAnswered(api.url, key, calls);
    t.strictSame(joins(), before, 'each ingest stays a member of the group');
    await Promise.all([...ingests, api].map((service) => service.end('SIGTERM')));

    const cluster = { REDIS_CLUSTER_NODES: nodes.map(({ host, port }) => `${host}:${port}`).join() };
    const onCluster = await Promise.all([launch('ingest', cluster), launch('api', cluster)]);
    await Promise.all(onCluster.map((service) => service.ready()));
    await producer.send(call('cluster'));
    await untilAnswered(onCluster[1].url, key, calls + 1);
    t.match(
      await runCalltally(envWith(cluster), 'verify', '--all'),
      { status: 0, err: '' },
      'a secured cluster',
    );
    await Promise.all(onCluster.map((service) => service.end('SIGTERM')));
  });

  const mongoUri = readFileSync(env.MONGODB_URI_FILE!, 'utf8').trim();
  const mongo = (change: (uri: string) => string) => ({
    MONGODB_URI_FILE: undefined,
    MONGODB_URI: change(mongoUri),
  });
  const elsewhereMongo = mongo((uri) => uri.replace('127.0.0.1', '0.0.0.0'));
  const otherAuthority = mongo((uri) => uri.replace(/(tlsCAFile=)[^&]*/, `$1${otherCa}`));

  await t.test('each way that Kafka does not let us in has its own line', async (t) => {
    const ca = pem(certificates.ca);
    const identity = { ca, cert: pem(certificates.stranger.cert), key: pem(certificates.stranger.key) };
    const withToken = (clientSecret: string, scope = 'all') => ({
      ssl: { ca },
      sasl: tokenLogin({ url: tokens.url, clientId: 'tally', clientSecret, scope }),
    });
    // A broker's alert may be lost when it closes the connection.
    const alerted = /^KAFKA_(TLS|UNAVAILABLE)$/;
    const cases: [broker: string | undefined, object, code: string | RegExp, RegExp][] = [
      [login, { ssl: true }, 'KAFKA_TLS', /not trusted; .*KAFKA_SSL_CA_FILE/],
      [expired, { ssl: { ca } }, 'KAFKA_TLS', /^Kafka's certificate has expired/],
      [elsewhere, { ssl: { ca } }, 'KAFKA_TLS', /another name .*KAFKA_BROKERS/],
      [mutual, { ssl: { ca } }, alerted, /client certificate .*KAFKA_SSL_CERT_FILE/],
      [mutual, { ssl: identity }, alerted, /client certificate .*KAFKA_SSL_CERT_FILE/],
      [mutual, {}, 'KAFKA_UNAVAILABLE', /closed .*KAFKA_SSL\).*KAFKA_SASL_MECHANISM/],
      [login, { ssl: { ca } }, 'KAFKA_UNAVAILABLE', /closed .*KAFKA_SASL_MECHANISM/],
      [ipv6, { ssl: { ca } }, 'KAFKA_TLS', /where TLS should begin; .*KAFKA_BROKERS/],
      [login, withToken('no'), 'KAFKA_REFUSED', /token endpoint .*invalid_client; .*_CLIENT_SECRET/],
      [login, withToken('right', 'old'), 'KAFKA_REFUSED', /refused the login: .*invalid_token/],
    ];
    const there = cases.filter(([broker]) => broker !== undefined);
    const faults = await Promise.all(there.map(([broker, options]) => faultOf(broker!, options)));
    for (const [i, [, , code, message]] of there.entries()) {
      t.match(faults[i], { code, message });
      t.notMatch(faults[i]?.message, /\n|127\.0\.0\.1/);
    }
  });

  await t.test('the command says in one line what is wrong', async (t) => {
    const cases: [Changes, command: string[], RegExp][] = [
      [{ KAFKA_SSL_CA_FILE: otherCa }, ['lag'], /not trusted; .*KAFKA_SSL_CA_FILE.*KAFKA_TLS/],
      [{ REDIS_TLS_CA_FILE: otherCa }, ['warming'], /not trusted; .*REDIS_TLS_CA_FILE.*COUNTERS_TLS/],
      [elsewhereMongo, ['keys', 'list'], /another name .*MONGODB_URI.*STORE_TLS/],
      [otherAuthority, ['keys', 'list'], /not trusted; .*tlsCAFile in MONGODB_URI.*STORE_TLS/],
      [
        { REDIS_PASSWORD_FILE: join(world.folder, 'none') },
        ['--check-config'],
        /REDIS_PASSWORD_FILE names a file .*ENOENT.*SETTINGS_INVALID/,
      ],
    ];
    const ran = await Promise.all(
      cases.map(([changes, command]) => runCalltally(envWith(changes), ...command)),
    );
    for (const [i, [, command, line]] of cases.entries()) {
      const { status, err } = ran[i]!;
      t.equal(status, 1, command.join(' '));
      t.match(err, new RegExp(`^calltally: [^\\n]*${line.source}\\)\\n$`), command.join(' '));
      t.notMatch(err, LOGIN.password);
    }
  });

  await t.test('Mongo is reached by an IPv6 address, if the machine has any', async (t) => {
    if (!hasIpv6()) return;
    const line = await TcpProxy.to(world.mongo.address, '::1');
    t.teardown(() => line.close());
    const changes = mongo((uri) => uri.replace(/127\.0\.0\.1:\d+/, `[::1]:${line.port}`));
    const listed = await runCalltally(envWith(changes), 'keys', 'list');
    t.match(listed, { status: 0, err: '', out: topic });
  });

  await t.test('ingest says it, once, and keeps trying', async (t) => {
    const lines: [string, Changes, RegExp][] = [
      ['Kafka', { KAFKA_SSL_CA_FILE: otherCa }, /Kafka's certificate is signed .*KAFKA_SSL_CA_FILE/],
      ['Mongo', otherAuthority, /Mongo's certificate is signed .*tlsCAFile in MONGODB_URI/],
      [
        'Redis',
        { REDIS_PASSWORD_FILE: world.secret('no') },
        /Redis refused the user or the password; .*REDIS_PASSWORD/,
      ],
    ];
    await Promise.all(
      lines.map(async ([engine, changes, line]) => {
        const ingest = await launch('ingest', { ...changes, KAFKA_GROUP_ID: `${topic}-${engine}` });
        t.match(await untilLogged(ingest, line), { level: 'error' }, engine);
        t.equal((await fetch(`${ingest.url}/readyz`)).status, 503);
        t.equal(
          (await fetch(`${ingest.url}/healthz`)).status,
          200,
          'a store that is away is no reason to end',
        );
        await ingest.end('SIGKILL');
      }),
    );
  });

  await t.test('the API says it, once for each reason, however many ask', async (t) => {
    const api = await launch('api', {
      REDIS_TLS_CA_FILE: otherCa,
      ...mongo((uri) => uri.replace(LOGIN.password, 'no')),
    });
    const reasons = [
      /Redis is away: Redis's certificate is signed .*REDIS_TLS_CA_FILE/,
      /Mongo is away: Mongo refused the user or the password.*MONGODB_URI/,
    ];
    for (const reason of reasons) t.match(await untilLogged(api, reason), { level: 'warn' });
    for (let asked = 0; asked < 5; asked++) t.equal((await fetch(`${api.url}/readyz`)).status, 503);
    for (const reason of reasons) t.equal(loggedBy(api).filter(({ msg }) => reason.test(msg)).length, 1);
    const away = loggedBy(api).filter(({ msg }) => / is away/.test(msg));
    t.notMatch(JSON.stringify(away), /127\.0\.0\.1|r1ght/, 'without an address or a secret');
    await api.end('SIGKILL');
  });
});

const pem = (path: string) => readFileSync(path, 'utf8');

function tokenLogin(tokenEndpoint: { url: string; clientId: string; clientSecret: string; scope?: string }) {
  return { mechanism: 'oauthbearer' as const, tokenEndpoint };
}

/** Why an admin client can neither connect nor ask: brokers tell their versions to anybody. */
async function faultOf(broker: string, options: object): Promise<KafkaFault | undefined> {
  const admin = kafkaClient({ brokers: [broker], clientId: 'secured-test', ...options }).admin();
  try {
    await admin.connect();
    await admin.listTopics();
    return undefined;
  } catch (thrown) {
    return kafkaFault(thrown);
  } finally {
    await admin.disconnect();
  }
}
