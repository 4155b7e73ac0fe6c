import type { Client } from '@calltally/client';
import type { CellFilter, Dimension } from '@calltally/domain';
import { type Groups, groupsOf } from './breakdown.ts';
import { type Choice, queryOf } from './choice.ts';
import { queryOfFilter, without } from './filters.ts';
import { type Loaded, useRefreshed } from './use-refreshed.ts';
import { queryOfZone } from './zones.ts';

const GAP_MS = 2_000;

export interface Asked {
  client: Client;
  choice: Choice;
  filter: CellFilter;
  timeZone: string;
  /** The server's day in the time zone; undefined while nothing is to be loaded. */
  today: number | undefined;
  version: number;
}

export interface LoadedGroups extends Pick<Loaded<unknown>, 'fault' | 'retry'> {
  dimension: Dimension;
  groups: Groups | undefined;
  /** Whether counters do not hold so many combinations of labels, so that rows were read. */
  isBeyondCells: boolean;
}

/**
 * The calls of a range by one dimension. Its own filter does not apply, so that more of its values can be chosen.
 * @param limit default: all groups that the API gives
 */
export function useBreakdown(
  { client, choice, filter, timeZone, today, version }: Asked,
  dimension: Dimension,
  limit?: number,
): LoadedGroups {
  const asked = today !== undefined && {
    ...queryOf(choice, today),
    ...queryOfZone(timeZone),
    ...queryOfFilter(without(filter, dimension)),
    by: dimension,
    limit,
  };
  const { value, fault, retry } = useRefreshed(
    asked ? JSON.stringify(asked) : undefined,
    version,
    GAP_MS,
    (signal) => client.breakdown(asked || { by: dimension }, { signal }),
  );
  const groups = value && groupsOf(value.data, dimension, filter);
  return { dimension, groups, isBeyondCells: value?.cells === 'beyond', fault, retry };
}
