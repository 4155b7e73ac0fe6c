import Type from 'typebox';
import { parseHostPorts, writeHostPort } from './addresses.ts';
import { readSasl, saslVariables } from './kafka-sasl.ts';
import { fragment } from './read-settings.ts';
import { authorities, clientCertificate, clientKey, readTls } from './tls-settings.ts';

const legalTopic = {
  pattern: '^(?!\\.{1,2}$)[A-Za-z0-9._-]{1,249}$',
  remedy: 'a topic name of 1 to 249 letters, digits, dots, underscores and hyphens',
};

/** Section `kafka`: brokers, credentials, topics and the consumer group. */
export const KafkaSettings = fragment(
  'kafka',
  Type.Object({
    KAFKA_BROKERS: Type.Refine(
      Type.String({
        default: '127.0.0.1:9092',
        description:
          'brokers to connect to first, `host:port` separated by commas; `[::1]:9092` for an IPv6 address',
        remedy: 'host:port, separated by commas, each port from 1 to 65535',
      }),
      (text) => parseHostPorts(text) !== undefined,
    ),
    KAFKA_SSL: Type.Boolean({
      default: false,
      description: '`true` uses TLS to the brokers',
      remedy: 'true or false',
    }),
    KAFKA_SSL_CA: authorities('Kafka'),
    KAFKA_SSL_CERT: clientCertificate('KAFKA_SSL_KEY'),
    KAFKA_SSL_KEY: clientKey(),
    ...saslVariables,
    KAFKA_TOPIC: Type.String({
      default: 'calls.completed',
      description: 'topic of the call events',
      ...legalTopic,
    }),
    KAFKA_DLQ_TOPIC: Type.String({
      default: 'calls.completed.dlq',
      description: 'topic for rejected events; must differ from `KAFKA_TOPIC`',
      ...legalTopic,
    }),
    KAFKA_GROUP_ID: Type.String({
      default: 'calltally-ingest',
      description: 'the consumer group that the ingest processes share',
    }),
    KAFKA_SESSION_TIMEOUT_MS: Type.Integer({
      default: 6_000,
      minimum: 1_000,
      maximum: 300_000,
      description: 'how long a dead consumer keeps its partitions; brokers enforce a minimum',
      remedy: 'milliseconds from 1000 to 300000',
    }),
  }),
  (values, report) => {
    const sasl = readSasl(values, report);
    const tls = readTls(
      {
        ca: ['KAFKA_SSL_CA', values.KAFKA_SSL_CA],
        cert: ['KAFKA_SSL_CERT', values.KAFKA_SSL_CERT],
        key: ['KAFKA_SSL_KEY', values.KAFKA_SSL_KEY],
      },
      values.KAFKA_SSL ? undefined : { variable: 'KAFKA_SSL', remedy: 'set it to true' },
      report,
    );
    if (values.KAFKA_TOPIC === values.KAFKA_DLQ_TOPIC)
      report(
        ['KAFKA_DLQ_TOPIC', 'KAFKA_TOPIC'],
        'is the same as KAFKA_TOPIC',
        'set it to another topic, otherwise dead letters would be read as events again',
      );
    return {
      brokers: (parseHostPorts(values.KAFKA_BROKERS) ?? []).map(writeHostPort),
      ssl: values.KAFKA_SSL && (Object.keys(tls).length === 0 || tls),
      ...(sasl && { sasl }),
      topic: values.KAFKA_TOPIC,
      dlqTopic: values.KAFKA_DLQ_TOPIC,
      groupId: values.KAFKA_GROUP_ID,
      sessionTimeoutMs: values.KAFKA_SESSION_TIMEOUT_MS,
    };
  },
);
