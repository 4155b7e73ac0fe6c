import {
  AFTER_A_SECOND,
  COMMON_ERRORS,
  type ErrorDefinition,
  type ErrorDetails,
  HttpError,
} from '@calltally/http';

const INVALID_SIGNATURE = { 'www-authenticate': 'Signature' };

/** Every error of intake. docs/intake.md explains each code; a test compares the two. */
export const ERRORS = {
  ...COMMON_ERRORS,
  EVENTS_INVALID: { status: 400, message: 'No event of the request was accepted.' },
  SIGNATURE_MISSING: {
    status: 401,
    message: 'The webhook is not signed: the header that its provider signs with is missing or malformed.',
    headers: INVALID_SIGNATURE,
  },
  SIGNATURE_INVALID: {
    status: 401,
    message: 'The signature fits no secret of this hook.',
    headers: INVALID_SIGNATURE,
  },
  SIGNATURE_STALE: {
    status: 401,
    message: 'The webhook was signed too long ago, or its time is in the future.',
    headers: INVALID_SIGNATURE,
  },
  OTHER_USER: { status: 403, message: 'The events are of another user than the API key.' },
  NOT_STORED: {
    status: 503,
    message: 'Kafka did not acknowledge every event. Send the whole request again: no call is counted twice.',
    headers: AFTER_A_SECOND,
  },
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof ERRORS;

export class IntakeError extends HttpError<ErrorCode> {
  override readonly name = 'IntakeError';

  constructor(code: ErrorCode, more?: ErrorDetails) {
    super(code, ERRORS[code], more);
  }
}
