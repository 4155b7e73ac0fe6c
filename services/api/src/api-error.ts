import { DateRangeError, parseDateRange, TooManyBucketsError } from '@calltally/domain';
import { LedgerError } from '@calltally/ledger';
import { StoreError } from '@calltally/store';
import type { FastifyError, FastifySchemaValidationError } from 'fastify';
import { maskKeys } from './mask-keys.ts';

/** When both stores are gone nobody knows for how long; a second keeps dashboards from asking all the time. */
const RETRY_AFTER_S = 1;
const SHOWN_VALUE_LENGTH_MAX = 40;
const DATE_PARAMETERS = new Set(['start_date', 'end_date']);

/** Every error code that a body can hold, with its status. docs/api.md says what each means; a test holds them equal. */
export const ERROR_STATUS = {
  BAD_REQUEST: 400,
  INVALID_DATE: 400,
  INVALID_PARAMETER: 400,
  START_AFTER_END: 400,
  TOO_MANY_BUCKETS: 400,
  MISSING_API_KEY: 401,
  INVALID_API_KEY: 401,
  OTHER_USER: 401,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  RATE_LIMITED: 429,
  TOO_MANY_FAILURES: 429,
  TOO_MANY_STREAMS: 429,
  INTERNAL_ERROR: 500,
  OVERLOADED: 503,
  UNAVAILABLE: 503,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** The body of every answer that is not a success. */
export interface ErrorBody {
  success: false;
  message: string;
  error: { code: ErrorCode };
}

/** A refusal with all that the client may learn of it: the message goes out as it is, the cause never does. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode;
  /** HTTP status; the code's own, but for faults of HTTP itself, which have many. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    message: string,
    more: { status?: number; headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? {} : { cause: more.cause });
    this.code = code;
    this.status = more.status ?? ERROR_STATUS[code];
    this.headers = more.headers ?? {};
  }

  get body(): ErrorBody {
    return { success: false, message: this.message, error: { code: this.code } };
  }
}

/** What a client may know of anything that was thrown while answering it. */
export function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  if (thrown instanceof DateRangeError) return dateRangeError(thrown);
  if (thrown instanceof TooManyBucketsError) return new ApiError('TOO_MANY_BUCKETS', thrown.message);
  if (thrown instanceof LedgerError && thrown.code === 'LEDGER_OVERLOADED') return overloaded(thrown);
  if (thrown instanceof LedgerError || thrown instanceof StoreError) return unavailable(thrown);
  const { validation, statusCode } = (thrown ?? {}) as Partial<FastifyError>;
  if (validation !== undefined) return unusableParameter(validation[0]);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return badRequest(statusCode);
  return new ApiError('INTERNAL_ERROR', 'Something went wrong here. The request id finds it in our log.', {
    cause: thrown,
  });
}

/** Neither store can answer now. */
export function unavailable(cause: unknown): ApiError {
  return new ApiError('UNAVAILABLE', 'The numbers cannot be read at present. Try again in a moment.', {
    headers: { 'retry-after': String(RETRY_AFTER_S) },
    cause,
  });
}

/** There is more to answer than can be answered in good time. */
export function overloaded(cause?: unknown): ApiError {
  return new ApiError(
    'OVERLOADED',
    'There are more requests than can be answered here. Try again in a moment.',
    {
      headers: { 'retry-after': String(RETRY_AFTER_S) },
      cause,
    },
  );
}

/** A request that is no proper HTTP, or larger than any request to this service. */
export function badRequest(status: number): ApiError {
  return new ApiError('BAD_REQUEST', 'The request is malformed or too large.', { status });
}

/** Nothing here is changed by a request. */
export function methodNotAllowed(): ApiError {
  return new ApiError('METHOD_NOT_ALLOWED', 'Only GET and HEAD are answered here.', {
    headers: { allow: 'GET, HEAD' },
  });
}

/** Parameters are texts, so their schema can refuse one given twice, one that is no date, and one that is none of the values it may have. */
function unusableParameter(fault: (FastifySchemaValidationError & { data?: unknown }) | undefined): ApiError {
  const parameter = fault?.instancePath.slice(1) ?? '';
  const isDate = DATE_PARAMETERS.has(parameter);
  const code = isDate ? 'INVALID_DATE' : 'INVALID_PARAMETER';
  if (typeof fault?.data !== 'string') {
    return new ApiError(code, `${parameter} is given more than once. Give it once.`);
  }
  if (isDate) return dateError(parameter, fault.data);
  const value = maskKeys(fault.data);
  const shown = value.length > SHOWN_VALUE_LENGTH_MAX ? `${value.slice(0, SHOWN_VALUE_LENGTH_MAX)}…` : value;
  const allowed = (fault.params.allowedValues as string[]).join(', ');
  return new ApiError(
    code,
    `${parameter} ${JSON.stringify(shown)} is none of ${allowed}. Take one of them, or leave it out.`,
  );
}

/** What is wrong with a date that its schema refuses: the schema says only that something is. */
function dateError(parameter: string, text: string): ApiError {
  try {
    parseDateRange({ end_date: '9999-12-31', [parameter]: text }, 0);
  } catch (thrown) {
    if (thrown instanceof DateRangeError) return dateRangeError(thrown);
    throw thrown;
  }
  throw new Error(`the schema of ${parameter} refuses what can be read`);
}

function dateRangeError({ code, message }: DateRangeError): ApiError {
  return new ApiError(code, maskKeys(message));
}
