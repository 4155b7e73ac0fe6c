import type { Line, Sample } from './figure.ts';
import { median, spread } from './statistics.ts';

export interface Side {
  median: number;
  min: number;
  max: number;
}

/** A line of the table with what was measured, as `results.json` has it. */
export interface Result {
  name: string;
  unit: string;
  compares: string;
  ours: number;
  other?: number;
  /** Ours / other, of the medians. */
  ratio?: number;
  atLeast?: number;
  atMost?: number;
  /** Whether the bound holds; absent where there is none, and of a run that proves nothing. */
  holds?: boolean;
  samples: Sample[];
}

/**
 * @param proves false for a run with small sizes or under a profiler: its figures hold for nothing
 * @throws where there is no sample
 */
export function resultOf(line: Line, samples: Sample[], proves: boolean): Result {
  const { name, unit, compares, atLeast, atMost } = line;
  const ours = median(samples.map((sample) => sample.ours));
  const others = samples.flatMap(({ other }) => (other === undefined ? [] : [other]));
  const other = others.length === 0 ? undefined : median(others);
  const ratio = other === undefined ? undefined : ours / other;
  const judged = ratio ?? ours;
  return {
    name,
    unit,
    compares,
    ours,
    ...(other !== undefined && { other }),
    ...(ratio !== undefined && { ratio }),
    ...(atLeast !== undefined && { atLeast, ...(proves && { holds: judged >= atLeast }) }),
    ...(atMost !== undefined && { atMost, ...(proves && { holds: judged <= atMost }) }),
    samples,
  };
}

/** Least and greatest of ours, of the other and of the ratios within one round. */
export function spreads({ samples }: Result) {
  const pairs = samples.flatMap(({ ours, other }) => (other === undefined ? [] : [{ ours, other }]));
  return {
    ours: spread(samples.map(({ ours }) => ours)),
    other: pairs.length === 0 ? undefined : spread(pairs.map(({ other }) => other)),
    ratio: pairs.length === 0 ? undefined : spread(pairs.map(({ ours, other }) => ours / other)),
  };
}
