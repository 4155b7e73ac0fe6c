import kafkajs, { type Kafka, type KafkaConfig, type SASLOptions } from 'kafkajs';
import { registerCodecs } from './compression.ts';
import { decodeRecords } from './records/record-batch.ts';

export type KafkaLogLevel = 'error' | 'warn' | 'info' | 'debug';

/** Receives what kafkajs would print: level, message and the fields that belong to it. */
export type KafkaLog = (level: KafkaLogLevel, message: string, fields: Record<string, unknown>) => void;

export type KafkaSasl = Extract<SASLOptions, { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512' }>;

export interface KafkaClientOptions {
  /** `host:port` each; any one that answers is enough. */
  brokers: string[];
  /** What the brokers' logs and quotas call this process. */
  clientId: string;
  ssl?: boolean | undefined;
  sasl?: KafkaSasl | undefined;
  /** Without it kafkajs says nothing at all. Of a login that is refused it is told nothing: see `refusedLogin`. */
  log?: KafkaLog | undefined;
}

const { logLevel, RecordsDecoder } = kafkajs;

const CONNECTION_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 15_000;

/** Waits of 0.1, 0.2, … 1.6 s between six attempts: outlasts an election, and an outage is for the caller to see. */
export const KAFKA_RETRY = { retries: 5, initialRetryTime: 100, maxRetryTime: 2_000 } as const;

const LEVELS: Record<number, KafkaLogLevel> = {
  [logLevel.ERROR]: 'error',
  [logLevel.WARN]: 'warn',
  [logLevel.INFO]: 'info',
  [logLevel.DEBUG]: 'debug',
};

/**
 * The one place that builds a kafkajs client: bounded waits and retries, every codec of Kafka
 * readable, records decoded by `decodeRecords`, and nothing printed but through `log`.
 */
export function kafkaClient(settings: KafkaClientOptions): Kafka {
  registerCodecs();
  // Without the patch of kafkajs (infra/kafka/patches) this throws, and what it mends must not be missing in silence.
  RecordsDecoder.decode = decodeRecords;
  // It warns of a change of partitioner against kafkajs 1, which nobody here came from.
  process.env.KAFKAJS_NO_PARTITIONER_WARNING ??= '1';
  const { brokers, clientId, ssl, sasl, log } = settings;
  const config: KafkaConfig = {
    brokers,
    clientId,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry: KAFKA_RETRY,
    logLevel: log === undefined ? logLevel.NOTHING : logLevel.INFO,
    logCreator:
      () =>
      ({ level, namespace, log: { message, timestamp: _, logger: __, stack: ___, ...fields } }) => {
        // kafkajs tells of a refused login three times, and throws it as well: whoever asked tells it once.
        if (/sasl/i.test(message)) return;
        log?.(LEVELS[level] ?? 'info', message, namespace === '' ? fields : { ...fields, namespace });
      },
  };
  if (ssl) config.ssl = true;
  // A copy, since kafkajs writes into it, and it may be frozen.
  if (sasl !== undefined) config.sasl = { ...sasl };
  return new kafkajs.Kafka(config);
}
