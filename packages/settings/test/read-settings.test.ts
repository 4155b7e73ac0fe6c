import { test } from 'tap';
import {
  AuditSettings,
  apiSettings,
  CountersSettings,
  checkConfigOnly,
  HttpSettings,
  IngestHttp,
  ingestSettings,
  intakeSettings,
  LogSettings,
  MongoSettings,
  opsSettings,
  readSettings,
  SettingsError,
} from '../src/index.ts';
import { faultsOf } from './faults-of.ts';

test('an empty environment gives the documented defaults, for every process', (t) => {
  const stores = {
    redis: { url: 'redis://127.0.0.1:6379' },
    mongo: { uri: 'mongodb://127.0.0.1:27017/calltally', database: 'calltally' },
    fill: { slots: 1 },
    log: { level: 'info' },
  };
  const counters = { retentionMonths: 25, cellsMax: 1_000 };
  const kafka = {
    brokers: ['127.0.0.1:9092'],
    ssl: false,
    topic: 'calls.completed',
    dlqTopic: 'calls.completed.dlq',
    groupId: 'calltally-ingest',
    sessionTimeoutMs: 6000,
  };
  t.same(readSettings(apiSettings, {}), {
    http: { host: '127.0.0.1', port: 3000, managementPort: undefined },
    drain: { ms: 10_000 },
    proxy: { trusted: [] },
    rateLimit: { perSecond: 0 },
    cors: { origins: [] },
    ...stores,
  });
  t.same(readSettings(ingestSettings, {}), {
    http: { host: '127.0.0.1', port: 3001 },
    kafka,
    audit: { share: 0.01, usersPerMinute: 60 },
    counters,
    ...stores,
  });
  const hooks = { keys: [], publicUrl: undefined };
  t.same(readSettings(intakeSettings, {}), {
    http: { host: '127.0.0.1', port: 3002, managementPort: undefined },
    drain: { ms: 10_000 },
    proxy: { trusted: [] },
    kafka,
    mongo: stores.mongo,
    hooks,
    log: stores.log,
  });
  // Those that the command uses, and no other: what it does not read must not stop it.
  const { redis, mongo, fill } = stores;
  t.same(readSettings(opsSettings, { COUNTERS_RETENTION_MONTHS: 'many', LOG_LEVEL: 'loud' }), {
    kafka,
    redis,
    mongo,
    fill,
    hooks,
  });
  t.end();
});

test('an empty variable counts as unset', (t) => {
  const settings = readSettings(ingestSettings, {
    HOST: '',
    INGEST_PORT: '',
    KAFKA_BROKERS: '',
    KAFKA_SSL: '',
    KAFKA_SASL_MECHANISM: '',
    KAFKA_SASL_USERNAME: '',
    KAFKA_SASL_PASSWORD: '',
    REDIS_URL: '',
    REDIS_CLUSTER_NODES: '',
    MONGODB_URI: '',
    COUNTERS_RETENTION_MONTHS: '',
    COUNTERS_DETAIL: '',
    COUNTERS_CELLS_MAX: '',
    AUDIT_SHARE: '',
    AUDIT_USERS_PER_MINUTE: '',
    LOG_LEVEL: '',
  });
  t.same(settings, readSettings(ingestSettings, {}));
  t.end();
});

test('variables that no fragment names are ignored', (t) => {
  t.same(readSettings([LogSettings], { PORT: 'none', PATH: '/bin' }), { log: { level: 'info' } });
  t.end();
});

test('the result is deeply frozen', (t) => {
  const settings = readSettings(ingestSettings, { KAFKA_BROKERS: 'a:1,b:2' });
  t.ok(Object.isFrozen(settings));
  t.ok(Object.isFrozen(settings.kafka));
  t.ok(Object.isFrozen(settings.kafka.brokers));
  t.end();
});

test('all faults are reported at once', (t) => {
  const faults = faultsOf(ingestSettings, {
    HOST: 'my host',
    INGEST_PORT: '70000',
    KAFKA_BROKERS: 'kafka',
    KAFKA_SSL: 'yes',
    KAFKA_SASL_MECHANISM: 'kerberos',
    KAFKA_SASL_USERNAME: 'somebody',
    KAFKA_TOPIC: 'a topic',
    KAFKA_DLQ_TOPIC: '..',
    REDIS_URL: 'http://127.0.0.1',
    REDIS_CLUSTER_NODES: 'a:0',
    MONGODB_URI: 'postgres://127.0.0.1/calls',
    COUNTERS_RETENTION_MONTHS: '1',
    COUNTERS_DETAIL: 'some',
    COUNTERS_CELLS_MAX: '0',
    AUDIT_SHARE: '1.5',
    AUDIT_USERS_PER_MINUTE: '0.5',
    LOG_LEVEL: 'loud',
  });
  t.same(
    faults.map(({ variable }) => variable),
    [
      'HOST',
      'INGEST_PORT',
      'KAFKA_BROKERS',
      'KAFKA_SSL',
      'KAFKA_SASL_MECHANISM',
      'KAFKA_TOPIC',
      'KAFKA_DLQ_TOPIC',
      'REDIS_URL',
      'REDIS_CLUSTER_NODES',
      'MONGODB_URI',
      'COUNTERS_RETENTION_MONTHS',
      'COUNTERS_DETAIL',
      'COUNTERS_CELLS_MAX',
      'AUDIT_SHARE',
      'AUDIT_USERS_PER_MINUTE',
      'LOG_LEVEL',
    ],
  );
  t.ok(faults.every(({ problem, remedy }) => problem !== '' && remedy !== ''));
  t.end();
});

test('the error has a stable code and names every fault in its message', (t) => {
  try {
    readSettings(apiSettings, { PORT: '-1', LOG_LEVEL: 'loud' });
    t.fail('these settings cannot be used');
  } catch (error) {
    t.ok(error instanceof SettingsError);
    t.equal((error as SettingsError).code, 'SETTINGS_INVALID');
    t.match((error as SettingsError).message, /PORT cannot be used: .*0 to 65535/);
    t.match((error as SettingsError).message, /LOG_LEVEL cannot be used: .*one of trace, debug/);
  }
  t.end();
});

test('no fault repeats the value of a variable, wherever a secret was put', (t) => {
  const secret = 'p4ss w0rd!@//:';
  const env = Object.fromEntries(
    [
      'HOST',
      'INGEST_PORT',
      'KAFKA_BROKERS',
      'KAFKA_SSL',
      'KAFKA_SASL_MECHANISM',
      'KAFKA_SASL_PASSWORD',
      'KAFKA_TOPIC',
      'KAFKA_DLQ_TOPIC',
      'REDIS_URL',
      'REDIS_CLUSTER_NODES',
      'MONGODB_URI',
      'COUNTERS_RETENTION_MONTHS',
      'COUNTERS_DETAIL',
      'COUNTERS_CELLS_MAX',
      'AUDIT_SHARE',
      'AUDIT_USERS_PER_MINUTE',
      'LOG_LEVEL',
    ].map((variable) => [variable, variable.endsWith('URL') ? `redis://:${secret}@[` : secret]),
  );
  const faults = faultsOf(ingestSettings, env);
  t.equal(faults.length, 16);
  t.notMatch(new SettingsError(faults).message, /p4ss|w0rd/);
  t.end();
});

test('a port is a whole number up to 65535, and 0 asks for a free one', (t) => {
  for (const [text, port] of [
    ['0', 0],
    ['1', 1],
    ['65535', 65_535],
  ] as const) {
    t.equal(readSettings([HttpSettings], { PORT: text }).http.port, port);
    t.equal(readSettings([IngestHttp], { INGEST_PORT: text }).http.port, port);
  }
  for (const text of ['65536', '-1', '3000.5', '3e3', '0x10', ' 3000', 'http', '99999999999999999999'])
    t.equal(faultsOf([HttpSettings], { PORT: text }).length, 1, text);
  t.end();
});

test('retention is 2 to 120 months', (t) => {
  const read = (text: string) => readSettings([CountersSettings], { COUNTERS_RETENTION_MONTHS: text });
  t.equal(read('2').counters.retentionMonths, 2);
  t.equal(read('120').counters.retentionMonths, 120);
  for (const text of ['1', '121', '2.5', 'two'])
    t.equal(faultsOf([CountersSettings], { COUNTERS_RETENTION_MONTHS: text }).length, 1, text);
  t.end();
});

test('the audited share is 0 to 1, with at most 6000 users per minute', (t) => {
  const read = (text: string) => readSettings([AuditSettings], { AUDIT_SHARE: text }).audit.share;
  t.equal(read('0'), 0);
  t.equal(read('0.005'), 0.005);
  t.equal(read('1'), 1);
  for (const text of ['1.01', '-0.1', '.5', '1e-2', '1%', '0,5', 'all'])
    t.equal(faultsOf([AuditSettings], { AUDIT_SHARE: text }).length, 1, text);
  const rate = (text: string) => readSettings([AuditSettings], { AUDIT_USERS_PER_MINUTE: text }).audit;
  t.equal(rate('0').usersPerMinute, 0);
  t.equal(rate('6000').usersPerMinute, 6_000);
  for (const text of ['6001', '-1', '0.5', 'many'])
    t.equal(faultsOf([AuditSettings], { AUDIT_USERS_PER_MINUTE: text }).length, 1, text);
  t.end();
});

test('a Mongo URI that names no database means calltally', (t) => {
  for (const [uri, database] of [
    ['mongodb://127.0.0.1:27017', 'calltally'],
    ['mongodb://127.0.0.1:27017/?replicaSet=rs0', 'calltally'],
    ['mongodb://user:pa%40ss@a:1,b:2/tally?replicaSet=rs0', 'tally'],
    ['mongodb+srv://cluster.example.com/other', 'other'],
  ] as const)
    t.same(readSettings([MongoSettings], { MONGODB_URI: uri }).mongo, { uri, database });
  t.end();
});

test('--check-config is found at any position', (t) => {
  t.ok(checkConfigOnly(['node', 'main.js', '--check-config']));
  t.notOk(checkConfigOnly(['node', 'main.js']));
  t.end();
});
