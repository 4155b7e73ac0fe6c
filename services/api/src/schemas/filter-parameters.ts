import {
  type CellFilter,
  DIMENSIONS,
  FIELD_OF,
  ID_PATTERN,
  isFiltered,
  LABEL_PATTERN,
  readDirection,
  readStatus,
} from '@calltally/domain';
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { ApiError } from '../api-error.ts';

/* What all operations on calls with certain labels have in common. */

/** Values of all filters of a request. */
export const FILTER_VALUES_MAX = 100;

const values = (pattern: string, description: string) =>
  Type.Optional(
    Type.Array(Type.String({ pattern }), {
      description: `${description} Repeat it for several, of which any counts; an empty one stands for calls without one.`,
      maxItems: FILTER_VALUES_MAX,
    }),
  );

export const filterParameters = {
  agent_id: values(`^$|${ID_PATTERN}`, 'Only calls of this agent.'),
  direction: values(LABEL_PATTERN, 'Only calls of this direction, spelt as in events.'),
  status: values(LABEL_PATTERN, 'Only calls of this status, spelt as in events.'),
};

const FilterQuery = Type.Object(filterParameters);
export type FilterQuery = Static<typeof FilterQuery>;

/** How values are kept. The schema has refused what is none. */
const READ = {
  agent: (value: string) => value,
  direction: readDirection,
  status: readStatus,
} as const;

/** A hook that makes a list of a filter that is given once, as the schema wants it. */
export function listFilters(request: Pick<FastifyRequest, 'query'>, _reply: unknown, done: () => void): void {
  const query = request.query as Record<string, unknown>;
  for (const dimension of DIMENSIONS) {
    const value = query[FIELD_OF[dimension]];
    if (typeof value === 'string') query[FIELD_OF[dimension]] = [value];
  }
  done();
}

/**
 * The same for the same values in any order.
 * @returns undefined if nothing is filtered
 * @throws ApiError INVALID_PARAMETER if there are too many values
 */
export function filterOf(query: FilterQuery): CellFilter | undefined {
  const filter: Partial<Record<keyof CellFilter, readonly string[]>> = {};
  let given = 0;
  for (const dimension of DIMENSIONS) {
    const values = query[FIELD_OF[dimension]];
    if (values === undefined) continue;
    given += values.length;
    filter[dimension] = [...new Set(values.map((value) => READ[dimension](value)!))].sort();
  }
  if (given > FILTER_VALUES_MAX) throw tooManyValues(given);
  return isFiltered(filter) ? filter : undefined;
}

/** @param given how many, of one filter or of all */
export function tooManyValues(given: number): ApiError {
  const message = `${given} values of agent_id, direction and status are too many. Give at most ${FILTER_VALUES_MAX} in all.`;
  return new ApiError('INVALID_PARAMETER', { message });
}
