import Type, { type Static } from 'typebox';
import { ErrorResponses } from './error.ts';

const date = (description: string) => Type.Optional(Type.String({ description }));

export const DashboardQuery = Type.Object({
  start_date: date(
    'Start of the range: an ISO 8601 date or date-time, UTC where it has no offset. ' +
      'Default: the start of the UTC day 30 days before the day that holds the end.',
  ),
  end_date: date(
    'End of the range, inclusive at the precision it is written in: `2026-03-28` takes that whole day, ' +
      '`2026-03-28T23:59:59Z` that whole second. Default: now.',
  ),
  user_id: Type.Optional(
    Type.String({
      description: "Whose dashboard is meant; refused with 401 unless it is the key's own user.",
    }),
  ),
});
export type DashboardQuery = Static<typeof DashboardQuery>;

const count = (description: string) => Type.Integer({ minimum: 0, description });
const decimals = (description: string) => Type.Number({ minimum: 0, description });
const instant = (description: string) => Type.String({ format: 'date-time', description });

const DashboardData = Type.Object({
  total_calls: count('calls that started in the range'),
  total_duration_minutes: decimals('their duration, 2 decimals, half up'),
  total_duration_hours: decimals('the same in hours, 2 decimals, half up'),
  avg_duration_minutes: decimals('total_duration_minutes / total_calls, 2 decimals; 0 with no calls'),
  calls_today: count('calls of the UTC day that holds now, whatever the range'),
  calls_this_week: count('calls of the ISO week (from Monday, UTC) that holds now'),
  calls_this_month: count('calls of the calendar month (UTC) that holds now'),
  date_range: Type.Object({
    start_date: instant('start of the range applied, UTC'),
    end_date: instant('its end, inclusive, UTC'),
  }),
});

export const DASHBOARD_MESSAGE = 'Dashboard analytics fetched successfully';

const DashboardResponse = Type.Object(
  { success: Type.Literal(true), message: Type.Literal(DASHBOARD_MESSAGE), data: DashboardData },
  { description: 'The figures, exact as of X-Tally-As-Of.' },
);

const headers = {
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

export const DashboardSchema = {
  operationId: 'getDashboard',
  summary: 'How many calls, and how long',
  description:
    "Figures of the API key's user: over a range, and of the current day, week and month. Costs the same however " +
    'many calls there are.',
  tags: ['analytics'],
  security: [{ apiKey: [] }],
  querystring: DashboardQuery,
  response: { 200: { ...DashboardResponse, headers }, ...ErrorResponses },
};
