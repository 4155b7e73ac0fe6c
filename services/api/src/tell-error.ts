import {
  breakdownGroupsMax,
  DateRangeError,
  ID_RULE,
  LABEL_MAX_CHARACTERS,
  parseDateRange,
  TimeZoneError,
  TooManyBucketsError,
  TooManyCallsError,
} from '@calltally/domain';
import { type HttpError, maskKeys } from '@calltally/http';
import { LedgerError } from '@calltally/ledger';
import { StoreError } from '@calltally/store';
import type { FastifyError, FastifySchemaValidationError } from 'fastify';
import { ApiError } from './api-error.ts';
import { tooManyValues } from './schemas/filter-parameters.ts';

const SHOWN_VALUE_LENGTH_MAX = 40;
const LABEL_REMEDY = `Use at most ${LABEL_MAX_CHARACTERS} characters, without control characters or unpaired surrogates.`;
const DATE_PARAMETERS = new Set(['start_date', 'end_date']);

/** What a client is told of the errors of a range, of the stores and of a parameter. */
export function tellError(thrown: unknown): HttpError | undefined {
  if (thrown instanceof DateRangeError) return dateRangeError(thrown);
  if (thrown instanceof TimeZoneError) {
    return new ApiError('INVALID_PARAMETER', { message: maskKeys(thrown.message) });
  }
  if (thrown instanceof TooManyBucketsError) {
    return new ApiError('TOO_MANY_BUCKETS', { message: thrown.message });
  }
  if (thrown instanceof TooManyCallsError) {
    return new ApiError('TOO_MANY_CALLS', { message: thrown.message });
  }
  if (thrown instanceof LedgerError && thrown.code === 'LEDGER_OVERLOADED') {
    return new ApiError('OVERLOADED', { cause: thrown });
  }
  if (thrown instanceof LedgerError || thrown instanceof StoreError) {
    return new ApiError('UNAVAILABLE', { cause: thrown });
  }
  const { validation } = (thrown ?? {}) as Partial<FastifyError>;
  return validation && parameterError(validation[0]);
}

/** What completes the message of a value that does not match its pattern, or of a missing one. */
const REMEDIES: Readonly<Record<string, string>> = {
  by: 'Use agent, direction or status, or several of them with commas between, each once.',
  limit: `Use a whole number from 1 to ${breakdownGroupsMax}, or leave it out.`,
  agent_id: `Use ${ID_RULE}, and write + as %2B.`,
  direction: LABEL_REMEDY,
  status: LABEL_REMEDY,
};

/**
 * Schemas of parameters refuse a missing one, a repeated one, too many values of a filter, an invalid date, and a value
 * that is not in a list or does not match a pattern.
 */
function parameterError(failed: (FastifySchemaValidationError & { data?: unknown }) | undefined): ApiError {
  const invalid = (message: string) => new ApiError('INVALID_PARAMETER', { message });
  if (failed?.keyword === 'required') {
    const missing = String(failed.params.missingProperty);
    return invalid(`${missing} is missing. ${REMEDIES[missing]}`);
  }
  // Of a list, the path also has the index.
  const [, parameter = ''] = failed?.instancePath.split('/') ?? [];
  if (failed?.keyword === 'maxItems') return tooManyValues((failed.data as unknown[]).length);
  const isDate = DATE_PARAMETERS.has(parameter);
  if (typeof failed?.data !== 'string') {
    const how = parameter === 'by' ? 'once, with commas between' : 'once';
    const message = `${parameter} is given more than once. Give it ${how}.`;
    return isDate ? new ApiError('INVALID_DATE', { message }) : invalid(message);
  }
  if (isDate) return dateError(parameter, failed.data);
  const value = maskKeys(failed.data);
  const shown = value.length > SHOWN_VALUE_LENGTH_MAX ? `${value.slice(0, SHOWN_VALUE_LENGTH_MAX)}…` : value;
  const given = `${parameter} ${JSON.stringify(shown)}`;
  const remedy = REMEDIES[parameter];
  if (remedy !== undefined) return invalid(`${given} cannot be used. ${remedy}`);
  const allowed = (failed.params.allowedValues as string[]).join(', ');
  return invalid(`${given} is none of ${allowed}. Use one of these, or leave it out.`);
}

/** The schema says only that a date is invalid; parsing it again tells why. */
function dateError(parameter: string, text: string): ApiError {
  try {
    parseDateRange({ end_date: '9999-12-31', [parameter]: text }, 0);
  } catch (thrown) {
    if (thrown instanceof DateRangeError) return dateRangeError(thrown);
    throw thrown;
  }
  throw new Error(`the schema of ${parameter} refuses a date that can be parsed`);
}

function dateRangeError({ code, message }: DateRangeError): ApiError {
  return new ApiError(code, { message: maskKeys(message) });
}
