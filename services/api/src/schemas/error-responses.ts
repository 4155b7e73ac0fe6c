import Type from 'typebox';
import { ERROR_STATUS, type ErrorCode } from '../api-error.ts';

/** Shape of every error body, with the codes that an operation may answer under a status. */
function errorBody(description: string, status: number) {
  const codes = (Object.keys(ERROR_STATUS) as ErrorCode[]).filter((code) => ERROR_STATUS[code] === status);
  return Type.Object(
    {
      success: Type.Literal(false),
      message: Type.String({ description: 'for people; may change' }),
      error: Type.Object({ code: Type.Enum(codes, { description: 'for programs; stable' }) }),
    },
    { description },
  );
}

const retryAfter = {
  'Retry-After': { type: 'integer', description: 'seconds to wait before the next try' },
};

/** The refusals that every request to the dashboard may meet, by status. */
export const ErrorResponses = {
  400: errorBody('A parameter cannot be used; the message names it.', 400),
  401: {
    ...errorBody('No API key, one that is not valid, or one of another user.', 401),
    headers: {
      'WWW-Authenticate': {
        type: 'string',
        description: '`Bearer`, with `error="invalid_token"` where a key was sent',
      },
    },
  },
  429: {
    ...errorBody('Too many requests, or too many that failed to authenticate.', 429),
    headers: retryAfter,
  },
  500: errorBody('A fault of ours.', 500),
  503: {
    ...errorBody('Neither store can answer, or more is asked than can be answered.', 503),
    headers: retryAfter,
  },
};
