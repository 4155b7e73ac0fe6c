/** An error that clients can get, by its stable code. */
export interface ErrorDefinition {
  status: number;
  /** Sent unless the code that throws has a more precise one. */
  message: string;
  headers?: Readonly<Record<string, string>>;
}

export const AFTER_A_SECOND = { 'retry-after': '1' };
/** Names the scheme, and no error where no key was sent (RFC 6750, section 3.1). */
const NO_TOKEN = { 'www-authenticate': 'Bearer' };
const INVALID_TOKEN = { 'www-authenticate': 'Bearer error="invalid_token"' };

/** The errors that every service answers with. Each service has a table of its own that includes them. */
export const COMMON_ERRORS = {
  BAD_REQUEST: { status: 400, message: 'The request is malformed or too large.' },
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
  // The code that throws it names the scope, in the header too.
  SCOPE_MISSING: { status: 403, message: 'The API key does not have the scope that this needs.' },
  NOT_FOUND: { status: 404, message: 'There is nothing here. See /docs.' },
  METHOD_NOT_ALLOWED: { status: 405, message: 'The method is not allowed here.' },
  TOO_MANY_FAILURES: {
    status: 429,
    message: 'Too many requests from here failed to authenticate.',
    headers: AFTER_A_SECOND,
  },
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
    message: 'The request cannot be answered at present. Try again in a moment.',
    headers: AFTER_A_SECOND,
  },
} as const satisfies Record<string, ErrorDefinition>;

type CommonCode = keyof typeof COMMON_ERRORS;

/** The body of every answer that is not a success. */
export interface ErrorBody<Code extends string = string> {
  success: false;
  message: string;
  error: { code: Code };
}

export interface ErrorDetails {
  message?: string;
  /** For the errors of HTTP, which share one code. */
  status?: number;
  /** Beside those of the definition. */
  headers?: Readonly<Record<string, string>>;
  cause?: unknown;
}

/** An error as the client is told it. The message is sent as it is, the cause never. */
export class HttpError<Code extends string = string> extends Error {
  override readonly name: string = 'HttpError';
  readonly code: Code;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: Code, definition: ErrorDefinition, more: ErrorDetails = {}) {
    super(more.message ?? definition.message, { cause: more.cause });
    this.code = code;
    this.status = more.status ?? definition.status;
    this.headers = { ...definition.headers, ...more.headers };
  }

  get body(): ErrorBody<Code> {
    return { success: false, message: this.message, error: { code: this.code } };
  }
}

/** One of the errors of every service. */
export function commonError(code: CommonCode, more?: ErrorDetails): HttpError<CommonCode> {
  return new HttpError(code, COMMON_ERRORS[code], more);
}

/** 405 with the methods that are allowed instead. */
export function methodNotAllowed(allowed: readonly string[]): HttpError<CommonCode> {
  const message = `Only ${new Intl.ListFormat('en').format(allowed)} ${allowed.length === 1 ? 'is' : 'are'} answered here.`;
  return commonError('METHOD_NOT_ALLOWED', { message, headers: { allow: allowed.join(', ') } });
}
