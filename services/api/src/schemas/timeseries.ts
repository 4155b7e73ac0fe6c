import { SERIES_INTERVALS, seriesBucketsMax } from '@calltally/domain';
import Type, { type Static } from 'typebox';
import { ErrorResponses } from './error-responses.ts';
import { filterParameters } from './filter-parameters.ts';
import { formatParameters } from './format-parameters.ts';
import {
  compareParameter,
  count,
  DateRange,
  decimals,
  rangeParameters,
  rangeProperties,
  tallyHeaders,
} from './range-parameters.ts';

export const TimeseriesQuery = Type.Object({
  interval: Type.Optional(
    Type.Enum([...SERIES_INTERVALS], {
      description:
        'What a bucket is: an hour, a day, an ISO week (from Monday) or a calendar month, of `time_zone`. Default: day. ' +
        `A range that gives more than ${seriesBucketsMax} buckets is refused.`,
    }),
  ),
  ...rangeParameters,
  ...compareParameter,
  ...filterParameters,
  ...formatParameters,
});
export type TimeseriesQuery = Static<typeof TimeseriesQuery>;

const Bucket = Type.Object({
  start: Type.String({
    pattern: '^\\d{4}-\\d\\d-\\d\\d(?:T\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{3})?(?:Z|[+-]\\d\\d:\\d\\d))?$',
    description:
      'first date of the day, week or month, or the start of the hour with its offset, even if the range begins later',
  }),
  calls: count('calls that started in the bucket and in the range'),
  duration_ms: count('their total duration in milliseconds, exact'),
  duration_minutes: decimals('the same in minutes, 2 decimals, half up'),
  avg_duration_minutes: decimals('duration_minutes / calls, 2 decimals; 0 with no calls'),
});

export const TIMESERIES_MESSAGE = 'Time series fetched successfully';

const ofRange = {
  buckets: Type.Array(Bucket, {
    maxItems: seriesBucketsMax,
    description: 'every bucket that the range touches, in order of time, including those without calls',
  }),
  date_range: DateRange,
};

const TimeseriesResponse = Type.Object({
  success: Type.Literal(true),
  message: Type.Literal(TIMESERIES_MESSAGE),
  data: Type.Object({
    interval: Type.Enum([...SERIES_INTERVALS]),
    ...ofRange,
    ...rangeProperties,
    previous: Type.Optional(Type.Object(ofRange, { description: 'only with `compare=previous`' })),
  }),
});

const CsvResponse = Type.String({
  description: 'The same buckets as RFC 4180, one per line, with a header line.',
});

export const TimeseriesSchema = {
  operationId: 'getTimeseries',
  summary: 'Number and duration of calls by hour, day, week or month',
  description:
    "Figures of the API key's user for each bucket of a range. They add up to the dashboard of the same range. " +
    'Of UTC days, weeks and months, the cost does not depend on the number of calls.',
  tags: ['analytics'],
  security: [{ apiKey: [] }],
  querystring: TimeseriesQuery,
  response: {
    200: {
      description: 'The figures, exact as of X-Tally-As-Of.',
      headers: { ...tallyHeaders, Vary: { type: 'string', description: '`Accept, accept-encoding`' } },
      content: { 'application/json': { schema: TimeseriesResponse }, 'text/csv': { schema: CsvResponse } },
    },
    ...ErrorResponses,
  },
};
