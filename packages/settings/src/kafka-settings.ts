import Type from 'typebox';
import { parseHostPorts } from './addresses.ts';
import { fragment } from './read-settings.ts';

const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

/** The credentials of a Kafka client. */
export interface KafkaSasl {
  readonly mechanism: (typeof mechanisms)[number];
  readonly username: string;
  readonly password: string;
}

// Kafka writes these names in upper case, its clients for Node in lower case; both are accepted.
const mechanismOf = (text: string) => mechanisms.find((one) => one === text.toLowerCase());

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
        description: 'brokers to connect to first, `host:port` separated by commas',
        remedy: 'host:port, separated by commas, each port from 1 to 65535',
      }),
      (text) => parseHostPorts(text) !== undefined,
    ),
    KAFKA_SSL: Type.Boolean({
      default: false,
      description: '`true` uses TLS to the brokers',
      remedy: 'true or false',
    }),
    KAFKA_SASL_MECHANISM: Type.Optional(
      Type.Refine(
        Type.String({
          description: `SASL mechanism: ${mechanisms.map((one) => `\`${one}\``).join(', ')}`,
          remedy: `one of ${mechanisms.join(', ')}`,
        }),
        (text) => mechanismOf(text) !== undefined,
      ),
    ),
    KAFKA_SASL_USERNAME: Type.Optional(Type.String({ description: 'required with a mechanism' })),
    KAFKA_SASL_PASSWORD: Type.Optional(Type.String({ description: 'required with a mechanism' })),
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
    const { KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD } = values;
    const mechanism = KAFKA_SASL_MECHANISM === undefined ? undefined : mechanismOf(KAFKA_SASL_MECHANISM);
    const credentials = { KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD };
    for (const [variable, value] of Object.entries(credentials)) {
      if (mechanism !== undefined && value === undefined)
        report(
          [variable, 'KAFKA_SASL_MECHANISM'],
          'is missing',
          'set it, because KAFKA_SASL_MECHANISM is set',
        );
      if (mechanism === undefined && value !== undefined)
        report(
          ['KAFKA_SASL_MECHANISM', variable],
          'is missing',
          `set it to one of ${mechanisms.join(', ')}, or unset KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD`,
        );
    }
    if (values.KAFKA_TOPIC === values.KAFKA_DLQ_TOPIC)
      report(
        ['KAFKA_DLQ_TOPIC', 'KAFKA_TOPIC'],
        'is the same as KAFKA_TOPIC',
        'set it to another topic, otherwise dead letters would be read as events again',
      );
    const sasl: KafkaSasl | undefined =
      mechanism && KAFKA_SASL_USERNAME !== undefined && KAFKA_SASL_PASSWORD !== undefined
        ? { mechanism, username: KAFKA_SASL_USERNAME, password: KAFKA_SASL_PASSWORD }
        : undefined;
    return {
      brokers: (parseHostPorts(values.KAFKA_BROKERS) ?? []).map(({ host, port }) => `${host}:${port}`),
      ssl: values.KAFKA_SSL,
      ...(sasl && { sasl }),
      topic: values.KAFKA_TOPIC,
      dlqTopic: values.KAFKA_DLQ_TOPIC,
      groupId: values.KAFKA_GROUP_ID,
      sessionTimeoutMs: values.KAFKA_SESSION_TIMEOUT_MS,
    };
  },
);
