import Type from 'typebox';
import { fragment } from './fragment.ts';

/** Section `rateLimit`: what one user may ask of one API process; `perSecond` 0 is no limit. */
export const RateLimitSettings = fragment(
  'rateLimit',
  Type.Object({
    RATE_LIMIT_PER_SECOND: Type.Integer({
      default: 0,
      minimum: 0,
      maximum: 1_000_000,
      description: 'requests that one user may make in a second of one API process; `0` is no limit',
      remedy: 'a whole number of requests a second, or 0 for no limit',
    }),
  }),
  ({ RATE_LIMIT_PER_SECOND }) => ({ perSecond: RATE_LIMIT_PER_SECOND }),
);
