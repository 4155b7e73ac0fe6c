import { KAFKA_RETRY, type KafkaLogLevel, kafkaClient, refusedLogin } from '@calltally/contract';
import { test } from 'tap';

const NOBODY = ['127.0.0.1:1'];

test('an unreachable broker is an error after a bounded number of attempts, and only the log is written to', async (t) => {
  const lines: { level: KafkaLogLevel; message: string; fields: Record<string, unknown> }[] = [];
  const printed = (['log', 'info', 'warn', 'error', 'debug'] as const).map((name) =>
    t.capture(console, name),
  );
  const log = (level: KafkaLogLevel, message: string, fields: Record<string, unknown>) => {
    lines.push({ level, message, fields });
  };
  const told = kafkaClient({ brokers: NOBODY, clientId: 'kafka-test', log }).admin();
  await t.rejects(told.connect(), { name: /KafkaJS/ });
  await told.disconnect();
  t.ok(lines.length > 0);
  t.ok(lines.length < 10 * KAFKA_RETRY.retries, `${lines.length} lines`);
  t.match(lines[0], { level: 'error', message: String, fields: { namespace: String } });
  t.notHas(lines[0]!.fields, { timestamp: String });

  const silent = kafkaClient({ brokers: NOBODY, clientId: 'kafka-test' }).admin();
  await t.rejects(silent.connect(), { name: /KafkaJS/ });
  await silent.disconnect();
  for (const calls of printed) t.same(calls(), []);
});

test('the default partitioner of kafkajs logs no warning', async (t) => {
  const lines: string[] = [];
  const kafka = kafkaClient({
    brokers: NOBODY,
    clientId: 'kafka-test',
    log: (_, message) => lines.push(message),
  });
  kafka.producer();
  t.same(lines, []);
});
const errorWith = (properties: object, cause?: unknown) =>
  Object.assign(new Error('said the broker', { cause }), properties);

test('a refused login is recognised, however it is wrapped', (t) => {
  const wrong = errorWith({ name: 'KafkaJSSASLAuthenticationError' });
  t.equal(refusedLogin(wrong), 'said the broker');
  t.equal(refusedLogin(errorWith({ type: 'UNSUPPORTED_SASL_MECHANISM' })), 'said the broker');
  t.equal(
    refusedLogin(new Error('twice', { cause: errorWith({ message: 'once' }, wrong) })),
    'said the broker',
  );

  t.equal(refusedLogin(errorWith({ name: 'KafkaJSConnectionError', code: 'ECONNREFUSED' })), undefined);
  t.equal(refusedLogin(errorWith({ type: 'TOPIC_AUTHORIZATION_FAILED' })), undefined, 'that one is in');
  t.equal(refusedLogin('SASL'), undefined);
  t.equal(refusedLogin(undefined), undefined);
  const circle = new Error('of itself');
  circle.cause = circle;
  t.equal(refusedLogin(circle), undefined);
  t.end();
});
