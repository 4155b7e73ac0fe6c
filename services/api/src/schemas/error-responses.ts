import Type from 'typebox';
import { ERRORS, type ErrorCode } from '../api-error.ts';

/** An error body with the codes of one status. */
function errorBody(description: string, status: number) {
  const codes = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => ERRORS[code].status === status);
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

/** The errors of every analytics route, by status. */
export const ErrorResponses = {
  400: errorBody('A parameter is invalid; the message names it.', 400),
  401: {
    ...errorBody('No API key or token, one that is not valid, or one of another user.', 401),
    headers: {
      'WWW-Authenticate': {
        type: 'string',
        description: '`Bearer`, with `error="invalid_token"` where a key or token was sent',
      },
    },
  },
  403: {
    ...errorBody('An API key without the scope `read`.', 403),
    headers: {
      'WWW-Authenticate': {
        type: 'string',
        description: '`Bearer` with `error="insufficient_scope"` and the scope that is needed',
      },
    },
  },
  429: {
    ...errorBody('Too many requests, or too many that failed to authenticate.', 429),
    headers: retryAfter,
  },
  500: errorBody('An error of the server.', 500),
  503: {
    ...errorBody('Neither store can answer, or the server is overloaded.', 503),
    headers: retryAfter,
  },
};
