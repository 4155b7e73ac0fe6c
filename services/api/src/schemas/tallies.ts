import Type from 'typebox';
import { DATE_PATTERN } from './date-pattern.ts';

/* What operations that answer tallies of a range have in common. */

const date = (description: string) =>
  Type.Optional(Type.String({ description, minLength: 10, pattern: DATE_PATTERN }));

export const rangeParameters = {
  start_date: date(
    'Start of the range: an ISO 8601 date or date-time, UTC where it has no offset. ' +
      'Default: the start of the UTC day 30 days before the day that holds the end.',
  ),
  end_date: date(
    'End of the range, inclusive at the precision it is written in: `2026-03-28` takes that whole day, ' +
      '`2026-03-28T23:59:59Z` and `2026-03-28T23:59:59.000Z` that whole second. Default: now.',
  ),
  user_id: Type.Optional(
    Type.String({
      description: "Whose figures are meant; refused with 401 unless it is the key's own user.",
    }),
  ),
};

export const count = (description: string) => Type.Integer({ minimum: 0, description });
export const decimals = (description: string) => Type.Number({ minimum: 0, description });
const instant = (description: string) => Type.String({ format: 'date-time', description });

export const DateRange = Type.Object({
  start_date: instant('start of the range applied, UTC'),
  end_date: instant('its end, inclusive, UTC'),
});

export const tallyHeaders = {
  'X-Tally-Source': {
    type: 'string',
    enum: ['counters', 'counters+mongo', 'mongo'],
    description: 'what the figures were read from; they are the same from each',
  },
  'X-Tally-As-Of': {
    type: 'string',
    format: 'date-time',
    description: 'everything that producers had acknowledged by then is counted; absent while unknown',
  },
  'Server-Timing': { type: 'string', description: 'milliseconds spent on `auth` and on `read`' },
  'X-Request-Id': { type: 'string', description: "the request's own id, or the one given to it" },
};
