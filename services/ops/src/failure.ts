import { refusedLogin } from '@calltally/contract';
import { CallEventProducerError } from '@calltally/contract/producer';
import { CountersError } from '@calltally/counters';
import { SettingsError } from '@calltally/settings';
import { StoreError } from '@calltally/store';
import { scrub } from '@calltally/telemetry';
import { CommanderError } from 'commander';

/** Something a command could not do, in words for who typed it. `code` is stable. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export interface Failure {
  code: string;
  /** One line that holds no secret. */
  message: string;
}

const MESSAGE_LENGTH_MAX = 1000;
const MONGO_REMEDY = 'is Mongo there? Set MONGODB_URI, or run `npm start` beside this';
const REDIS_REMEDY = 'is Redis there? Set REDIS_URL, or run `npm start` beside this';
const LOGIN_REMEDY =
  'set KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD to what Kafka knows';
const KAFKA_REMEDY = 'is Kafka there? Set KAFKA_BROKERS, or run `npm start` beside this';

/** Whatever was thrown as one code and one line; no stack trace, no secret. */
export function failureOf(thrown: unknown): Failure {
  const { code, message } = describe(thrown);
  const line = scrub(message).replace(/\s+/g, ' ').trim();
  return { code, message: line.length > MESSAGE_LENGTH_MAX ? `${line.slice(0, MESSAGE_LENGTH_MAX)}…` : line };
}

function describe(thrown: unknown): Failure {
  if (!(thrown instanceof Error)) return { code: 'UNEXPECTED', message: String(thrown) };
  const { message } = thrown;
  if (thrown instanceof CommandError) return { code: thrown.code, message };
  if (thrown instanceof CommanderError) {
    return { code: 'USAGE', message: `${message.replace(/^error: /, '')}; --help tells more` };
  }
  if (thrown instanceof SettingsError) {
    const faults = thrown.faults.map(({ variable, problem, remedy }) => `${variable} ${problem}: ${remedy}`);
    return { code: thrown.code, message: faults.join('; ') };
  }
  if (thrown instanceof StoreError) {
    const said = message.slice(message.indexOf(': ') + 2);
    return { code: thrown.code, message: `Mongo did not answer: ${said}; ${MONGO_REMEDY}` };
  }
  if (thrown instanceof CountersError) {
    const said = message.slice(message.indexOf(': ') + 2);
    const text = thrown.code === 'COUNTERS_LOST' ? `Redis did not answer: ${said}; ${REDIS_REMEDY}` : said;
    return { code: thrown.code, message: text };
  }
  const refusal = refusedLogin(thrown);
  if (refusal !== undefined) {
    return { code: 'KAFKA_REFUSED', message: `Kafka refused the login: ${refusal}; ${LOGIN_REMEDY}` };
  }
  if (thrown instanceof CallEventProducerError) {
    return { code: thrown.code, message: message.slice(message.indexOf(': ') + 2) };
  }
  if (thrown.name.startsWith('KafkaJS')) {
    return { code: 'KAFKA_UNAVAILABLE', message: `Kafka did not answer: ${message}; ${KAFKA_REMEDY}` };
  }
  return { code: 'UNEXPECTED', message };
}
