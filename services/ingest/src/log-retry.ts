import { kafkaFault } from '@calltally/contract';
import { CountersError } from '@calltally/counters';
import { StoreError } from '@calltally/store';
import type { Logger } from '@calltally/telemetry';

/** Somebody has to correct these. */
const FAULTS = /_(CREDENTIALS|FORBIDDEN|TLS|URI|EVICTING|TOO_OLD|OUTDATED)$|^KAFKA_REFUSED$/;

/** Logs why something is retried: in one line that names the setting, if people can do something about it. */
export function logRetry(logger: Logger, what: string, thrown: unknown, fields: object = {}): void {
  const known = knownReason(thrown);
  if (known === undefined) {
    logger.warn({ err: thrown, ...fields }, `${what}, retrying`);
    return;
  }
  const { code, line } = known;
  logger[FAULTS.test(code) ? 'error' : 'warn']({ code, ...fields }, `${what}, retrying: ${line}`);
}

function knownReason(thrown: unknown): { code: string; line: string } | undefined {
  if (thrown instanceof StoreError || thrown instanceof CountersError) {
    const { code, message } = thrown;
    return { code, line: message.slice(code.length + ': '.length) };
  }
  const fault = kafkaFault(thrown);
  return fault && { code: fault.code, line: fault.message };
}
