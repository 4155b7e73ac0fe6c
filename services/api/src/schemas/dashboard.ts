import Type, { type Static } from 'typebox';
import { ErrorResponses } from './error-responses.ts';
import { filterParameters } from './filter-parameters.ts';
import {
  compareParameter,
  count,
  DateRange,
  decimals,
  rangeParameters,
  rangeProperties,
  tallyHeaders,
} from './range-parameters.ts';

export const DashboardQuery = Type.Object({ ...rangeParameters, ...compareParameter, ...filterParameters });
export type DashboardQuery = Static<typeof DashboardQuery>;

const totals = {
  total_calls: count('calls that started in the range'),
  total_duration_minutes: decimals('their total duration in minutes, 2 decimals, half up'),
  total_duration_hours: decimals('the same in hours, 2 decimals, half up'),
  avg_duration_minutes: decimals('total_duration_minutes / total_calls, 2 decimals; 0 with no calls'),
};

const DashboardData = Type.Object({
  ...totals,
  calls_today: count('calls of the current day, whatever the range; of UTC, or of `time_zone`'),
  calls_this_week: count('calls of the current ISO week (from Monday)'),
  calls_this_month: count('calls of the current calendar month'),
  ...rangeProperties,
  previous: Type.Optional(
    Type.Object({ ...totals, date_range: DateRange }, { description: 'only with `compare=previous`' }),
  ),
});

export const DASHBOARD_MESSAGE = 'Dashboard analytics fetched successfully';

const DashboardResponse = Type.Object(
  { success: Type.Literal(true), message: Type.Literal(DASHBOARD_MESSAGE), data: DashboardData },
  { description: 'The figures, exact as of X-Tally-As-Of.' },
);

export const DashboardSchema = {
  operationId: 'getDashboard',
  summary: 'Number and duration of calls',
  description:
    "Figures of the API key's user: over a range, and of the current day, week and month. The cost does not depend " +
    'on the number of calls.',
  tags: ['analytics'],
  security: [{ apiKey: [] }],
  querystring: DashboardQuery,
  response: { 200: { ...DashboardResponse, headers: tallyHeaders }, ...ErrorResponses },
};
