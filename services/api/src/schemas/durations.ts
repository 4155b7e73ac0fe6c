import { HISTOGRAM_SECONDS } from '@calltally/domain';
import Type, { type Static } from 'typebox';
import { ErrorResponses } from './error-responses.ts';
import { filterParameters } from './filter-parameters.ts';
import { count, rangeParameters, rangeProperties, tallyHeaders } from './range-parameters.ts';

export const DurationsQuery = Type.Object({ ...rangeParameters, ...filterParameters });
export type DurationsQuery = Static<typeof DurationsQuery>;

const seconds = (description: string) =>
  Type.Unsafe<number | null>({ type: ['number', 'null'], minimum: 0, description });
const percentile = (percent: number) =>
  seconds(`the shortest duration that at least ${percent} % of the calls do not exceed (nearest rank)`);

const Interval = Type.Object({
  from_seconds: Type.Integer({ description: 'the shortest duration in the interval' }),
  to_seconds: Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    description: 'where the interval ends: this duration is in the next. Null for the last, which has no end',
  }),
  calls: count('calls of such a duration'),
});

const DurationsData = Type.Object({
  calls: count('calls that started in the range'),
  duration_ms: count('their total duration in milliseconds, exact'),
  percentiles: Type.Object(
    { p50: percentile(50), p90: percentile(90), p95: percentile(95), p99: percentile(99) },
    { description: 'Durations of calls in seconds, exact to the millisecond; null without calls.' },
  ),
  min_seconds: seconds('the shortest duration; null without calls'),
  max_seconds: seconds('the longest duration; null without calls'),
  histogram: Type.Array(Interval, {
    minItems: HISTOGRAM_SECONDS.length,
    maxItems: HISTOGRAM_SECONDS.length,
    description: 'the same intervals for every range, in order, with those without calls',
  }),
  ...rangeProperties,
});

export const DURATIONS_MESSAGE = 'Durations fetched successfully';

const DurationsResponse = Type.Object(
  { success: Type.Literal(true), message: Type.Literal(DURATIONS_MESSAGE), data: DurationsData },
  { description: 'The durations, exact as of X-Tally-As-Of.' },
);

export const DurationsSchema = {
  operationId: 'getDurations',
  summary: 'How long calls took: percentiles and a histogram',
  description:
    "Durations of the API key's user's calls over a range, always read from rows: the cost grows with the number of " +
    'calls. A range with too many is refused.',
  tags: ['analytics'],
  security: [{ apiKey: [] }],
  querystring: DurationsQuery,
  response: { 200: { ...DurationsResponse, headers: tallyHeaders }, ...ErrorResponses },
};
