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
