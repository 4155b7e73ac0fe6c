interface ErrorDefinition {
  status: number;
  /** Sent unless the code that throws has a more precise one. */
  message: string;
  headers?: Readonly<Record<string, string>>;
}

const AFTER_A_SECOND = { 'retry-after': '1' };
/** Names the scheme, and no error where no key was sent (RFC 6750, section 3.1). */
const NO_TOKEN = { 'www-authenticate': 'Bearer' };
const INVALID_TOKEN = { 'www-authenticate': 'Bearer error="invalid_token"' };

/** Every error of the API. docs/api.md explains each code; a test compares the two. */
export const ERRORS = {
  BAD_REQUEST: { status: 400, message: 'The request is malformed or too large.' },
  INVALID_DATE: { status: 400, message: 'A date cannot be read.' },
  INVALID_PARAMETER: { status: 400, message: 'A parameter cannot be used.' },
  START_AFTER_END: { status: 400, message: 'start_date is after the end of the range.' },
  TOO_MANY_BUCKETS: { status: 400, message: 'The range gives too many buckets.' },
  MISSING_API_KEY: {
    status: 401,
    message: 'Send an API key: "Authorization: Bearer <key>".',
    headers: NO_TOKEN,
  },
  // One answer whatever is wrong with a key: anything more would help those who guess keys.
  INVALID_API_KEY: {
    status: 401,
    message: 'The API key is not valid: unknown, revoked or expired.',
    headers: INVALID_TOKEN,
  },
  OTHER_USER: {
    status: 401,
    message: 'The API key belongs to another user than user_id names.',
    headers: INVALID_TOKEN,
  },
  NOT_FOUND: { status: 404, message: 'There is nothing here. See /docs.' },
  METHOD_NOT_ALLOWED: {
    status: 405,
    message: 'Only GET and HEAD are answered here.',
    headers: { allow: 'GET, HEAD' },
  },
  RATE_LIMITED: { status: 429, message: 'Too many requests.', headers: AFTER_A_SECOND },
  TOO_MANY_FAILURES: {
    status: 429,
    message: 'Too many requests from here failed to authenticate.',
    headers: AFTER_A_SECOND,
  },
  TOO_MANY_STREAMS: { status: 429, message: 'Too many open streams.', headers: { 'retry-after': '5' } },
  INTERNAL_ERROR: {
    status: 500,
    message: 'Something went wrong here. The request id finds it in our log.',
  },
  OVERLOADED: {
    status: 503,
    message: 'The server is overloaded. Try again in a moment.',
    headers: AFTER_A_SECOND,
  },
  UNAVAILABLE: {
    status: 503,
    message: 'The figures cannot be read at present. Try again in a moment.',
    headers: AFTER_A_SECOND,
  },
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof ERRORS;

/** The body of every answer that is not a success. */
export interface ErrorBody {
  success: false;
  message: string;
  error: { code: ErrorCode };
}

/** An error as the client is told it. The message is sent as it is, the cause never. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  /** @param more.status for the errors of HTTP, which share one code */
  constructor(code: ErrorCode, more: { message?: string; status?: number; cause?: unknown } = {}) {
    const definition: ErrorDefinition = ERRORS[code];
    super(more.message ?? definition.message, { cause: more.cause });
    this.code = code;
    this.status = more.status ?? definition.status;
    this.headers = definition.headers ?? {};
  }

  get body(): ErrorBody {
    return { success: false, message: this.message, error: { code: this.code } };
  }
}
