import {
  BREAKDOWN_ORDERS,
  breakdownGroupsMax,
  DIMENSIONS,
  type Dimension,
  FIELD_OF,
} from '@calltally/domain';
import Type, { type Static } from 'typebox';
import { ErrorResponses } from './error-responses.ts';
import { filterParameters } from './filter-parameters.ts';
import { formatParameters } from './format-parameters.ts';
import { count, decimals, rangeParameters, rangeProperties, tallyHeaders } from './range-parameters.ts';

/** Every value of `by`: each dimension at most once, in any order. */
export const BY_VALUES: readonly string[] = orders(DIMENSIONS);

export const BreakdownQuery = Type.Object({
  by: Type.Enum([...BY_VALUES], {
    description: 'What the calls are told apart by: a dimension, or several with commas between.',
  }),
  ...rangeParameters,
  ...filterParameters,
  order: Type.Optional(
    Type.Enum([...BREAKDOWN_ORDERS], {
      description:
        'Which groups come first: those with the most calls, the longest total duration, the longest average, or by ' +
        'name (by the bytes of UTF-8; none given comes last). Ties are in the order of names. Default: calls.',
    }),
  ),
  limit: Type.Optional(
    Type.String({
      pattern: '^(?:[1-9]\\d{0,2}|1000)$',
      description: `How many groups to answer, 1 to ${breakdownGroupsMax}; \`rest\` sums the others. Default: ${breakdownGroupsMax}.`,
    }),
  ),
  ...formatParameters,
});
export type BreakdownQuery = Static<typeof BreakdownQuery>;

const label = (dimension: Dimension) =>
  Type.Optional(
    Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: `if asked for in \`by\` (${dimension}); null: calls without one`,
    }),
  );

const figures = {
  calls: count('calls of the group that started in the range'),
  duration_ms: count('their total duration in milliseconds, exact'),
  duration_minutes: decimals('the same in minutes, 2 decimals, half up'),
  avg_duration_minutes: decimals('duration_minutes / calls, 2 decimals'),
  share_of_calls: Type.Number({
    minimum: 0,
    maximum: 1,
    description: 'calls / calls of all groups, 4 decimals, half up',
  }),
};

const Group = Type.Object({
  ...(Object.fromEntries(DIMENSIONS.map((dimension) => [FIELD_OF[dimension], label(dimension)])) as Record<
    (typeof FIELD_OF)[Dimension],
    ReturnType<typeof label>
  >),
  ...figures,
});

const Rest = Type.Object({ groups: count('how many groups these are'), ...figures });

export const BREAKDOWN_MESSAGE = 'Breakdown fetched successfully';

const BreakdownResponse = Type.Object({
  success: Type.Literal(true),
  message: Type.Literal(BREAKDOWN_MESSAGE),
  data: Type.Object({
    by: Type.Array(Type.Enum([...DIMENSIONS])),
    groups: Type.Array(Group, {
      maxItems: breakdownGroupsMax,
      description: 'one for each combination of labels that has calls, as `order` says',
    }),
    rest: Type.Union([Rest, Type.Null()], {
      description: 'the sum of the groups that `limit` left out; null if there are none',
    }),
    ...rangeProperties,
  }),
});

const CsvResponse = Type.String({
  description:
    'The same groups as RFC 4180, one per line, with a header line. `rest_groups` is empty; only the line of the rest, ' +
    'the last one if there is one, has how many groups it sums. A label that a spreadsheet could take for a formula ' +
    'begins with an apostrophe.',
});

export const BreakdownSchema = {
  operationId: 'getBreakdown',
  summary: 'Number and duration of calls by agent, direction or status',
  description:
    "Figures of the API key's user over a range, for each agent, direction, status or combination of these. Groups " +
    'and rest add up to the dashboard of the same range and filters.',
  tags: ['analytics'],
  security: [{ apiKey: [] }],
  querystring: BreakdownQuery,
  response: {
    200: {
      description: 'The figures, exact as of X-Tally-As-Of.',
      headers: { ...tallyHeaders, Vary: { type: 'string', description: '`Accept, accept-encoding`' } },
      content: { 'application/json': { schema: BreakdownResponse }, 'text/csv': { schema: CsvResponse } },
    },
    ...ErrorResponses,
  },
};

/** All lists of some of the values, each at most once. */
function orders(values: readonly string[]): string[] {
  return values.flatMap((value) => {
    const others = orders(values.filter((other) => other !== value));
    return [value, ...others.map((more) => `${value},${more}`)];
  });
}
