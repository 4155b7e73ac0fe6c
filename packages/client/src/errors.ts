import type { ApiErrorCode } from './types.ts';

/** Every code of the API. The type check fails if the API's document has another one. */
const API_CODES = {
  BAD_REQUEST: true,
  INVALID_DATE: true,
  INVALID_PARAMETER: true,
  START_AFTER_END: true,
  TOO_MANY_BUCKETS: true,
  TOO_MANY_CALLS: true,
  MISSING_API_KEY: true,
  INVALID_API_KEY: true,
  INVALID_TOKEN: true,
  OTHER_USER: true,
  SCOPE_MISSING: true,
  RATE_LIMITED: true,
  TOO_MANY_FAILURES: true,
  TOO_MANY_STREAMS: true,
  INTERNAL_ERROR: true,
  OVERLOADED: true,
  UNAVAILABLE: true,
} as const satisfies Record<ApiErrorCode, true>;

/**
 * Why there was no answer of the API:
 * `NETWORK_ERROR` no connection, or it broke; `TIMEOUT` no whole answer in time; `UNEXPECTED_ANSWER` something else
 * answered, such as a proxy; `TOKEN_UNAVAILABLE` your `token` function failed.
 */
export type TransportErrorCode = 'NETWORK_ERROR' | 'TIMEOUT' | 'UNEXPECTED_ANSWER' | 'TOKEN_UNAVAILABLE';

interface More {
  status?: number | undefined;
  requestId?: string | undefined;
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/** The API refused or failed. `message` is for people, `code` for programs. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ApiErrorCode;
  readonly status: number;
  /** Whether the API says that the same request may succeed later. */
  readonly retryable: boolean;
  /** How long the API asks to wait, if it does. */
  readonly retryAfterMs: number | undefined;
  /** Finds the request in the API's log. */
  readonly requestId: string | undefined;

  constructor(
    code: ApiErrorCode,
    message: string,
    { status, requestId, retryAfterMs }: More & { status: number },
  ) {
    super(message);
    this.code = code;
    this.status = status;
    this.retryable = status === 429 || status === 503;
    this.retryAfterMs = retryAfterMs;
    this.requestId = requestId;
  }
}

/** There was no answer of the API. `cause` has the error beneath, if any. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly code: TransportErrorCode;
  /** The status, if something answered. */
  readonly status: number | undefined;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** How long to wait, if the answer says so. */
  readonly retryAfterMs: number | undefined;
  readonly requestId: string | undefined;

  constructor(
    code: TransportErrorCode,
    message: string,
    retryable: boolean,
    { status, requestId, retryAfterMs, cause }: More = {},
  ) {
    super(message, { cause });
    this.code = code;
    this.status = status;
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs;
    this.requestId = requestId;
  }
}

/** Everything that the client throws, except for the reason of your AbortSignal. Its `code` tells the cases apart. */
export type ClientError = ApiError | TransportError;

export function isClientError(thrown: unknown): thrown is ClientError {
  return thrown instanceof ApiError || thrown instanceof TransportError;
}

export function isApiErrorCode(code: unknown): code is ApiErrorCode {
  return typeof code === 'string' && Object.hasOwn(API_CODES, code);
}
