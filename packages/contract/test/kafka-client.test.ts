import { KAFKA_RETRY, type KafkaLogLevel, kafkaClient } from '@calltally/contract';
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
