import { DateRangeError, parseDateRange, TooManyBucketsError } from '@calltally/domain';
import { type HttpError, maskKeys } from '@calltally/http';
import { LedgerError } from '@calltally/ledger';
import { StoreError } from '@calltally/store';
import type { FastifyError, FastifySchemaValidationError } from 'fastify';
import { ApiError } from './api-error.ts';

const SHOWN_VALUE_LENGTH_MAX = 40;
const DATE_PARAMETERS = new Set(['start_date', 'end_date']);

/** What a client is told of the errors of a range, of the stores and of a parameter. */
export function tellError(thrown: unknown): HttpError | undefined {
  if (thrown instanceof DateRangeError) return dateRangeError(thrown);
  if (thrown instanceof TooManyBucketsError) {
    return new ApiError('TOO_MANY_BUCKETS', { message: thrown.message });
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
/** Schemas of parameters refuse three things: a repeated parameter, an invalid date, and a value outside a list. */
function parameterError(failed: (FastifySchemaValidationError & { data?: unknown }) | undefined): ApiError {
  const parameter = failed?.instancePath.slice(1) ?? '';
  const isDate = DATE_PARAMETERS.has(parameter);
  if (typeof failed?.data !== 'string') {
    const message = `${parameter} is given more than once. Give it once.`;
    return new ApiError(isDate ? 'INVALID_DATE' : 'INVALID_PARAMETER', { message });
  }
  if (isDate) return dateError(parameter, failed.data);
  const value = maskKeys(failed.data);
  const shown = value.length > SHOWN_VALUE_LENGTH_MAX ? `${value.slice(0, SHOWN_VALUE_LENGTH_MAX)}…` : value;
  const allowed = (failed.params.allowedValues as string[]).join(', ');
  return new ApiError('INVALID_PARAMETER', {
    message: `${parameter} ${JSON.stringify(shown)} is none of ${allowed}. Use one of these, or leave it out.`,
  });
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
