import { NAMED_PERIODS } from '@calltally/domain';
import Type from 'typebox';

/* What all operations with a range have in common. */

const YEAR = '(?:000[1-9]|00[1-9]\\d|0[1-9]\\d\\d|[1-9]\\d{3})';
const LEAP_YEAR = '(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)';
const MONTH_AND_DAY =
  '(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))';
const DATE = `(?:${YEAR}-${MONTH_AND_DAY}|${LEAP_YEAR}-02-29)`;
const MINUTE = '(?:[01]\\d|2[0-3]):[0-5]\\d';
const SECOND = ':[0-5]\\d(?:[.,]\\d{1,9})?';
const OFFSET = '(?:[Zz]|[+\\- ](?:[01]\\d|2[0-3])(?::?[0-5]\\d)?)';
/** After a space, a time without seconds and offset could be an offset. */
const TIME = `(?:[Tt]${MINUTE}(?:${SECOND})?${OFFSET}?| ${MINUTE}(?:${SECOND}${OFFSET}?|${OFFSET}))`;

/** The dates that parseDateRange accepts, for tools that generate requests from the document. A test compares the two. */
export const DATE_PATTERN = `^${DATE}${TIME}?$`;

const date = (description: string) =>
  Type.Optional(Type.String({ description, minLength: 10, pattern: DATE_PATTERN }));

export const rangeParameters = {
  start_date: date(
    'Start of the range: an ISO 8601 date or date-time, of `time_zone` if it has no offset. ' +
      'Default: the start of the day 30 days before the day that holds the end.',
  ),
  end_date: date(
    'End of the range, inclusive at the precision it is written in: `2026-03-28` takes that whole day, ' +
      '`2026-03-28T23:59:59Z` and `2026-03-28T23:59:59.000Z` that whole second. Default: now.',
  ),
  period: Type.Optional(
    Type.Enum([...NAMED_PERIODS], {
      description:
        'The range by its name, instead of start_date and end_date. `today`, `this_week` (from Monday), `this_month` and ' +
        '`this_year` begin with the day, week, month or year and end now; `7d`, `30d` and `90d` are so many days, of ' +
        'which today is the last, and end now; `yesterday`, `last_week`, `last_month` and `last_year` are whole.',
    }),
  ),
  time_zone: Type.Optional(
    Type.String({
      description:
        'The time zone of days, weeks, months and hours, and of dates without an offset: a name of IANA. Default: UTC.',
      examples: ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'UTC'],
    }),
  ),
  user_id: Type.Optional(
    Type.String({
      description:
        "Whose figures to read. Required with a platform key; otherwise refused with 401 unless it is the key's own user.",
    }),
  ),
};

/** For operations that can answer for the range before, too. */
export const compareParameter = {
  compare: Type.Optional(
    Type.Enum(['previous'], {
      description:
        '`previous`: the same figures of the range before, too, in `previous`, read at the same moment. Of a whole day, ' +
        'week, month or year that `period` names it is the one before; of one that ends now the one before, through as ' +
        'much time as has passed of this one; otherwise the range of equal length just before.',
    }),
  ),
};

export const count = (description: string) => Type.Integer({ minimum: 0, description });
export const decimals = (description: string) => Type.Number({ minimum: 0, description });
const instant = (description: string) => Type.String({ format: 'date-time', description });

export const DateRange = Type.Object({
  start_date: instant('start of the effective range, in UTC or with the offset of `time_zone`'),
  end_date: instant('its end, inclusive'),
});

/** The range of an answer. */
export const rangeProperties = {
  date_range: DateRange,
  time_zone: Type.Optional(Type.String({ description: 'the time zone, if it was asked for' })),
};

export const tallyHeaders = {
  'X-Tally-Source': {
    type: 'string',
    enum: ['counters', 'counters+mongo', 'mongo'],
    description: 'what the figures were read from; they are the same from all three',
  },
  'X-Tally-As-Of': {
    type: 'string',
    format: 'date-time',
    description: 'every call acknowledged to a producer by then is counted; absent while unknown',
  },
  'X-Tally-Cells': {
    type: 'string',
    enum: ['beyond'],
    description:
      'the user had more combinations of labels in a month than counters hold, so rows were read; otherwise absent',
  },
  'Server-Timing': { type: 'string', description: 'milliseconds spent on `auth` and on `read`' },
  'X-Request-Id': { type: 'string', description: "the request's own id, or a new one" },
};
