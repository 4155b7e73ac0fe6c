import { test } from 'tap';
import { type Environment, KafkaSettings, readSettings } from '../src/index.ts';
import { faultsOf } from './faults-of.ts';

const kafka = (env: Environment) => readSettings([KafkaSettings], env).kafka;
const faultyVariables = (env: Environment) => faultsOf([KafkaSettings], env).map(({ variable }) => variable);
const credentials = { KAFKA_SASL_USERNAME: 'tally', KAFKA_SASL_PASSWORD: 'secret' };

test('brokers are host:port, separated by commas, spaces allowed', (t) => {
  t.same(kafka({ KAFKA_BROKERS: 'a.example:9092, b:19092 ,10.0.0.1:1' }).brokers, [
    'a.example:9092',
    'b:19092',
    '10.0.0.1:1',
  ]);
  t.same(kafka({ KAFKA_BROKERS: '[::1]:9092, [2001:db8::7]:1' }).brokers, ['[::1]:9092', '[2001:db8::7]:1']);
  for (const text of ['::1:9092', '[::1]', '[::g]:1', '[127.0.0.1]:1', '[a]:1'])
    t.same(faultyVariables({ KAFKA_BROKERS: text }), ['KAFKA_BROKERS'], text);
  for (const text of ['a', 'a:', ':1', 'a:0', 'a:65536', 'a:1,', 'a:1,,b:2', 'kafka://a:1', 'a:x', ' '])
    t.same(faultyVariables({ KAFKA_BROKERS: text }), ['KAFKA_BROKERS'], text);
  t.end();
});

test('TLS is exactly true or false', (t) => {
  t.equal(kafka({ KAFKA_SSL: 'true' }).ssl, true);
  t.equal(kafka({ KAFKA_SSL: 'false' }).ssl, false);
  for (const text of ['1', '0', 'TRUE', 'yes', 'on'])
    t.same(faultyVariables({ KAFKA_SSL: text }), ['KAFKA_SSL'], text);
  t.end();
});

test('a mechanism is accepted as Kafka writes it and as its clients do', (t) => {
  for (const [text, mechanism] of [
    ['plain', 'plain'],
    ['SCRAM-SHA-256', 'scram-sha-256'],
    ['scram-sha-512', 'scram-sha-512'],
  ] as const)
    t.same(kafka({ ...credentials, KAFKA_SASL_MECHANISM: text }).sasl, {
      mechanism,
      username: 'tally',
      password: 'secret',
    });
  t.end();
});

test('a mechanism needs user and password, and these need a mechanism', (t) => {
  t.same(faultyVariables({ KAFKA_SASL_MECHANISM: 'plain' }), ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD']);
  t.same(faultyVariables({ KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'tally' }), [
    'KAFKA_SASL_PASSWORD',
  ]);
  t.same(faultyVariables(credentials), ['KAFKA_SASL_MECHANISM']);
  t.end();
});

test('OAUTHBEARER needs an endpoint, and nothing else takes one', (t) => {
  const prefix = 'KAFKA_SASL_OAUTHBEARER';
  const endpoint = {
    [`${prefix}_TOKEN_ENDPOINT_URL`]: 'https://id.example/token',
    [`${prefix}_CLIENT_ID`]: 'tally',
    [`${prefix}_CLIENT_SECRET`]: 'secret',
  };
  const mechanism = { KAFKA_SASL_MECHANISM: 'OAUTHBEARER' };
  const tokenEndpoint = { url: 'https://id.example/token', clientId: 'tally', clientSecret: 'secret' };
  t.same(kafka({ ...mechanism, ...endpoint }).sasl, { mechanism: 'oauthbearer', tokenEndpoint });
  t.same(kafka({ ...mechanism, ...endpoint, [`${prefix}_SCOPE`]: 'kafka' }).sasl, {
    mechanism: 'oauthbearer',
    tokenEndpoint: { ...tokenEndpoint, scope: 'kafka' },
  });
  t.same(faultyVariables(mechanism), Object.keys(endpoint));
  t.same(faultyVariables(endpoint), ['KAFKA_SASL_MECHANISM']);
  t.same(faultyVariables({ ...endpoint, ...credentials, KAFKA_SASL_MECHANISM: 'plain' }), [
    'KAFKA_SASL_MECHANISM',
  ]);
  for (const url of ['id.example', 'ftp://id.example', 'https://tally:secret@id.example'])
    t.same(
      faultyVariables({ ...mechanism, ...endpoint, [`${prefix}_TOKEN_ENDPOINT_URL`]: url }),
      [`${prefix}_TOKEN_ENDPOINT_URL`],
      url,
    );
  t.end();
});

test('a rule between variables is not applied if one of them is already at fault', (t) => {
  t.same(faultyVariables({ ...credentials, KAFKA_SASL_MECHANISM: 'kerberos' }), ['KAFKA_SASL_MECHANISM']);
  t.same(faultyVariables({ KAFKA_TOPIC: 'no topic', KAFKA_DLQ_TOPIC: 'calls.completed' }), ['KAFKA_TOPIC']);
  t.end();
});

test('topics have legal names, and the dead-letter topic differs', (t) => {
  t.equal(kafka({ KAFKA_TOPIC: 'Calls_2.done-1' }).topic, 'Calls_2.done-1');
  t.equal(kafka({ KAFKA_TOPIC: 'a'.repeat(249) }).topic.length, 249);
  for (const text of ['.', '..', 'a b', 'a/b', 'ä', 'a'.repeat(250)])
    t.same(faultyVariables({ KAFKA_TOPIC: text }), ['KAFKA_TOPIC'], text);
  t.same(faultyVariables({ KAFKA_DLQ_TOPIC: 'calls.completed' }), ['KAFKA_DLQ_TOPIC']);
  t.same(faultyVariables({ KAFKA_TOPIC: 'x', KAFKA_DLQ_TOPIC: 'x' }), ['KAFKA_DLQ_TOPIC']);
  t.end();
});
