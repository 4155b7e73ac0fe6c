import kafkajs, { type KafkaConfig, type SASLOptions } from 'kafkajs';
import { oauthBearer } from './oauth-bearer.ts';
import type { TokenEndpoint } from './token-source.ts';

export type KafkaLogLevel = 'error' | 'warn' | 'info' | 'debug';

/** Receives what kafkajs would print. */
export type KafkaLog = (level: KafkaLogLevel, message: string, fields: Record<string, unknown>) => void;

export type KafkaSasl =
  | { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string }
  | { mechanism: 'oauthbearer'; tokenEndpoint: TokenEndpoint };

/** PEM texts. Without `ca`, the authorities that Node knows are trusted. */
export interface KafkaTls {
  ca?: string;
  /** The certificate of this client, with `key`. */
  cert?: string;
  key?: string;
}

export interface KafkaClientOptions {
  /** `host:port` each, an IPv6 address in brackets; one reachable broker is enough. */
  brokers: string[];
  /** Names this process in the brokers' logs and quotas. */
  clientId: string;
  /** Default: false, no TLS. */
  ssl?: boolean | KafkaTls | undefined;
  sasl?: KafkaSasl | undefined;
  /** If absent, kafkajs logs nothing. Refused logins are never logged here: see `kafkaFault`. */
  log?: KafkaLog | undefined;
}

const { logLevel } = kafkajs;

const CONNECTION_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 15_000;

/** Six attempts with pauses of 0.1, 0.2, … 1.6 s: enough for a leader election. Callers handle longer outages. */
export const KAFKA_RETRY = { retries: 5, initialRetryTime: 100, maxRetryTime: 2_000 } as const;

const LEVELS: Record<number, KafkaLogLevel> = {
  [logLevel.ERROR]: 'error',
  [logLevel.WARN]: 'warn',
  [logLevel.INFO]: 'info',
  [logLevel.DEBUG]: 'debug',
};

/** Configuration of a kafkajs client: waits and retries are bounded, and all output goes through `log`. */
export function kafkaConfig({ brokers, clientId, ssl, sasl, log }: KafkaClientOptions): KafkaConfig {
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
        // kafkajs logs a refused login three times and throws it as well; the caller reports it once.
        if (/sasl/i.test(message)) return;
        log?.(LEVELS[level] ?? 'info', message, namespace === '' ? fields : { ...fields, namespace });
      },
  };
  // Copies, because kafkajs writes to them and settings are frozen.
  if (ssl) config.ssl = ssl === true || { ...ssl };
  if (sasl?.mechanism === 'oauthbearer') config.sasl = oauthBearer(sasl.tokenEndpoint);
  else if (sasl !== undefined) config.sasl = { ...sasl } as SASLOptions;
  return config;
}
