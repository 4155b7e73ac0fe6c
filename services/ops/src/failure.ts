import { kafkaFault } from '@calltally/contract';
import { CallEventProducerError } from '@calltally/contract/producer';
import { CountersError } from '@calltally/counters';
import { SecretKeyError } from '@calltally/hooks';
import { SettingsError } from '@calltally/settings';
import { StoreError } from '@calltally/store';
import { scrub } from '@calltally/telemetry';
import { CommanderError } from 'commander';

/** Why a command failed, in words for the person who typed it. `code` is stable. */
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
  /** One line without secrets. */
  message: string;
}

const MESSAGE_LENGTH_MAX = 1000;
const OR_START = 'or run `npm start` beside this';
const REDIS_REMEDY = `is Redis there? Set REDIS_URL, ${OR_START}`;
const KAFKA_REMEDY = `is Kafka there? Set KAFKA_BROKERS, ${OR_START}`;
/** Anything thrown as a code and one line, without a stack trace or a secret. */
export function failureOf(thrown: unknown): Failure {
  const { code, message } = describe(thrown);
  const line = scrub(message).replace(/\s+/g, ' ').trim();
  return { code, message: line.length > MESSAGE_LENGTH_MAX ? `${line.slice(0, MESSAGE_LENGTH_MAX)}…` : line };
}

function describe(thrown: unknown): Failure {
  if (!(thrown instanceof Error)) return { code: 'UNEXPECTED', message: String(thrown) };
  const { message } = thrown;
  if (thrown instanceof CommandError || thrown instanceof SecretKeyError)
    return { code: thrown.code, message };
  if (thrown instanceof CommanderError) {
    return { code: 'USAGE', message: `${message.replace(/^error: /, '')}; see --help` };
  }
  if (thrown instanceof SettingsError) {
    const faults = thrown.faults.map(({ variable, problem, remedy }) => `${variable} ${problem}: ${remedy}`);
    return { code: thrown.code, message: faults.join('; ') };
  }
  if (thrown instanceof StoreError) {
    const more = thrown.code === 'STORE_UNAVAILABLE' ? `, ${OR_START}` : '';
    return { code: thrown.code, message: withoutCode(message) + more };
  }
  if (thrown instanceof CountersError) return ofCounters(thrown);
  const fault = kafkaFault(thrown);
  if (fault !== undefined) return fault;
  if (thrown instanceof CallEventProducerError) {
    return { code: thrown.code, message: withoutCode(message) };
  }
  if (thrown.name.startsWith('KafkaJS')) return ofKafka(thrown);
  return { code: 'UNEXPECTED', message };
}

function withoutCode(message: string): string {
  return message.slice(message.indexOf(': ') + 2);
}

function ofCounters({ code, message }: CountersError): Failure {
  const said = withoutCode(message);
  if (code === 'COUNTERS_CREDENTIALS') return { code: 'REDIS_REFUSED', message: said };
  return {
    code,
    message: code === 'COUNTERS_LOST' ? `Redis did not answer: ${said}; ${REDIS_REMEDY}` : said,
  };
}

/** Explains an error of kafkajs. After its retries, the error that counts is the cause. */
function ofKafka(thrown: Error): Failure {
  const { name, message, cause, type } = thrown as Error & { type?: string };
  if (name === 'KafkaJSNumberOfRetriesExceeded' && cause instanceof Error) return ofKafka(cause);
  if (type?.endsWith('AUTHORIZATION_FAILED')) {
    return {
      code: 'KAFKA_FORBIDDEN',
      message: `Kafka does not let this user do that: ${message}; allow it by an ACL`,
    };
  }
  return { code: 'KAFKA_UNAVAILABLE', message: `Kafka did not answer: ${message}; ${KAFKA_REMEDY}` };
}
