import { DateRangeError, parseDateRange, TooManyBucketsError } from '@calltally/domain';
import { LedgerError } from '@calltally/ledger';
import { StoreError } from '@calltally/store';
import type {
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifySchemaValidationError,
} from 'fastify';
import fp from 'fastify-plugin';
import { ApiError } from '../api-error.ts';
import { maskKeys, toLoggedError } from '../redaction.ts';

const SHOWN_VALUE_LENGTH_MAX = 40;
const DATE_PARAMETERS = new Set(['start_date', 'end_date']);

/** Sends every error through `sendError`. */
export const errors = fp(
  async (app: FastifyInstance) => {
    app.setErrorHandler(sendError);
    app.setNotFoundHandler((request) => {
      throw notFound(request);
    });
  },
  { name: 'errors', dependencies: ['request-log'] },
);

/** Answers with what the client may know of an error, and logs what is our fault. */
export function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = toApiError(thrown);
  request.errorCode = error.code;
  if (error.code === 'INTERNAL_ERROR') {
    request.server.log.error({ request_id: request.id, fault: toLoggedError(error.cause) }, 'request failed');
  }
  // Always set the status: @fastify/auth has set 401 by now, whatever was thrown.
  return reply
    .code(error.status)
    .headers({ 'cache-control': 'private, no-store', ...error.headers })
    .type('application/json; charset=utf-8')
    .send(error.body);
}

/** The error of a request that matches no route. */
export function notFound({ server, url }: FastifyRequest): ApiError {
  const path = url.split('?', 1)[0] ?? '';
  return new ApiError(server.hasRoute({ method: 'GET', url: path }) ? 'METHOD_NOT_ALLOWED' : 'NOT_FOUND');
}

function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
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
  const { validation, statusCode: status } = (thrown ?? {}) as Partial<FastifyError>;
  if (validation !== undefined) return parameterError(validation[0]);
  if (status !== undefined && status >= 400 && status < 500) return new ApiError('BAD_REQUEST', { status });
  return new ApiError('INTERNAL_ERROR', { cause: thrown });
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
