import Type from 'typebox';
import { ERRORS, type ErrorCode } from '../intake-error.ts';

/** An error body with the codes of one status. */
export function errorBody(description: string, status: number) {
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

export const retryAfter = {
  'Retry-After': { type: 'integer', description: 'seconds to wait before the next try' },
};

/** The errors that calls and webhooks share, by status. */
export const SharedErrors = {
  413: errorBody('The body is too large.', 400),
  429: { ...errorBody('Too many requests failed to authenticate.', 429), headers: retryAfter },
  500: errorBody('An error of the server.', 500),
  503: {
    ...errorBody(
      'Not everything was acknowledged, or the server is overloaded. The same request may be sent again.',
      503,
    ),
    headers: retryAfter,
  },
};
