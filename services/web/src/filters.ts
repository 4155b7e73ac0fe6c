import {
  type CellFilter,
  DIMENSIONS,
  type Dimension,
  FIELD_OF,
  isId,
  readDirection,
  readStatus,
} from '@calltally/domain';

/** Chosen values of all dimensions. The API takes no more. */
export const VALUES_MAX = 100;

const READERS: Readonly<Record<Dimension, (value: string) => string | undefined>> = {
  agent: (value) => (isId(value) ? value : undefined),
  direction: readDirection,
  status: readStatus,
};

/**
 * The filters in the page's address: `?agent=ada&agent=&status=no_answer`. An empty value stands for calls without one.
 * Values that no call can have are left out.
 */
export function filterOfAddress(search: string): CellFilter {
  const parameters = new URLSearchParams(search);
  let filter: CellFilter = {};
  for (const dimension of DIMENSIONS) {
    for (const given of parameters.getAll(dimension)) {
      const value = given === '' ? '' : READERS[dimension](given);
      if (value !== undefined && !isChosen(filter, dimension, value)) {
        filter = toggled(filter, dimension, value);
      }
    }
  }
  return filter;
}

/** To be appended to an address: `&agent=ada&agent=`, or nothing. */
export function addressOfFilter(filter: CellFilter): string {
  const pairs = chosenDimensions(filter).flatMap((dimension) =>
    valuesOf(filter, dimension).map((value) => [dimension, value]),
  );
  return pairs.length === 0 ? '' : `&${new URLSearchParams(pairs)}`;
}

/** The API's parameters for a filter. */
export function queryOfFilter(filter: CellFilter): {
  agent_id?: string[];
  direction?: string[];
  status?: string[];
} {
  return Object.fromEntries(
    chosenDimensions(filter).map((dimension) => [FIELD_OF[dimension], [...valuesOf(filter, dimension)]]),
  );
}

/** The dimensions that are filtered, in their usual order. */
export function chosenDimensions(filter: CellFilter): Dimension[] {
  return DIMENSIONS.filter((dimension) => filter[dimension] !== undefined);
}

export function valuesOf(filter: CellFilter, dimension: Dimension): readonly string[] {
  return filter[dimension] ?? [];
}

export function isChosen(filter: CellFilter, dimension: Dimension, value: string): boolean {
  return valuesOf(filter, dimension).includes(value);
}

/** The filter with a value added, or without it if it was there. Stays as it is if it has as many values as the API takes. */
export function toggled(filter: CellFilter, dimension: Dimension, value: string): CellFilter {
  const values = valuesOf(filter, dimension);
  if (values.includes(value)) {
    const rest = values.filter((one) => one !== value);
    return rest.length === 0 ? without(filter, dimension) : { ...filter, [dimension]: rest };
  }
  return isFull(filter) ? filter : { ...filter, [dimension]: [...values, value] };
}

/** Whether no more values can be chosen. */
export function isFull(filter: CellFilter): boolean {
  return DIMENSIONS.reduce((sum, one) => sum + valuesOf(filter, one).length, 0) >= VALUES_MAX;
}

export function without(filter: CellFilter, dimension: Dimension): CellFilter {
  const { [dimension]: _, ...rest } = filter;
  return rest;
}
