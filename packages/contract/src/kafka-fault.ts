import { type TlsNames, tlsFault } from '@calltally/tls';
import { TokenError } from './token-source.ts';

/** What our settings of Kafka are called in messages. */
export interface KafkaNames extends TlsNames {
  login: string;
  tokens: string;
}

/** As the environment variables of our processes. */
const VARIABLES: KafkaNames = {
  engine: 'Kafka',
  address: 'KAFKA_BROKERS and KAFKA_SSL',
  authorities: 'KAFKA_SSL_CA_FILE',
  client: 'KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE',
  login: 'KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD',
  tokens: 'KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL, …_CLIENT_ID, …_CLIENT_SECRET and …_SCOPE',
};

/** Why Kafka does not let us in. */
export interface KafkaFault {
  /** `KAFKA_UNAVAILABLE`: it closed the connection, as in an outage. */
  code: 'KAFKA_REFUSED' | 'KAFKA_TLS' | 'KAFKA_UNAVAILABLE';
  /** What happened and what to correct, in one line. */
  message: string;
}

const CAUSES_DEPTH_MAX = 8;

/** Undefined if it is something else. */
export function kafkaFault(thrown: unknown, names: KafkaNames = VARIABLES): KafkaFault | undefined {
  let closed: KafkaFault | undefined;
  let error = thrown;
  for (let depth = 0; depth < CAUSES_DEPTH_MAX && error instanceof Error; depth++) {
    const refusal = refusalIn(error, names);
    if (refusal !== undefined) return { code: 'KAFKA_REFUSED', message: refusal };
    const tls = tlsFault(error, names);
    if (tls !== undefined) return { code: 'KAFKA_TLS', message: tls };
    if (isClosed(error)) closed = closedBy(names);
    error = error.cause;
  }
  return closed;
}

/** Error types of brokers that kafkajs has no error class for. */
const REFUSALS = ['SASL_AUTHENTICATION_FAILED', 'UNSUPPORTED_SASL_MECHANISM', 'ILLEGAL_SASL_STATE'];

/** Brokers do not say which of user, password and mechanism is wrong. */
function refusalIn(error: Error, { login, tokens }: KafkaNames): string | undefined {
  if (error instanceof TokenError) return `${error.message}; see ${tokens}`;
  const { name, type = '' } = error as Error & { type?: string };
  if (name !== 'KafkaJSSASLAuthenticationError' && !REFUSALS.includes(type)) return undefined;
  return `Kafka refused the login: ${error.message}; see ${login}`;
}

function isClosed({ name, code }: Error & { code?: unknown }): boolean {
  return name === 'KafkaJSConnectionClosedError' || code === 'ECONNRESET';
}

/** Brokers say nothing to a client that lacks what they expect; even their alert may be lost in the closing. */
function closedBy({ address, login, client }: KafkaNames): KafkaFault {
  const expected = `TLS (${address}), a login (${login}) or a client certificate (${client})`;
  const message = `Kafka closed the connection; if it runs, see whether that port expects ${expected}`;
  return { code: 'KAFKA_UNAVAILABLE', message };
}
