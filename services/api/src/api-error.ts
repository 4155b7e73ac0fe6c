import {
  AFTER_A_SECOND,
  COMMON_ERRORS,
  type ErrorDefinition,
  type ErrorDetails,
  HttpError,
} from '@calltally/http';

const INVALID_TOKEN = { 'www-authenticate': 'Bearer error="invalid_token"' };

/** Every error of the API. docs/api.md explains each code; a test compares the two. */
export const ERRORS = {
  ...COMMON_ERRORS,
  INVALID_DATE: { status: 400, message: 'A date cannot be read.' },
  INVALID_PARAMETER: { status: 400, message: 'A parameter cannot be used.' },
  START_AFTER_END: { status: 400, message: 'start_date is after the end of the range.' },
  TOO_MANY_BUCKETS: { status: 400, message: 'The range gives too many buckets.' },
  TOO_MANY_CALLS: { status: 400, message: 'The range has too many calls.' },
  OTHER_USER: {
    status: 401,
    message: 'The API key belongs to another user than user_id names.',
    headers: INVALID_TOKEN,
  },
  // The code that throws it says what is wrong: with a token, that helps nobody to guess.
  INVALID_TOKEN: { status: 401, message: 'The token is not valid.', headers: INVALID_TOKEN },
  RATE_LIMITED: { status: 429, message: 'Too many requests.', headers: AFTER_A_SECOND },
  TOO_MANY_STREAMS: { status: 429, message: 'Too many open streams.', headers: { 'retry-after': '5' } },
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof ERRORS;

export class ApiError extends HttpError<ErrorCode> {
  override readonly name = 'ApiError';

  constructor(code: ErrorCode, more?: ErrorDetails) {
    super(code, ERRORS[code], more);
  }
}
