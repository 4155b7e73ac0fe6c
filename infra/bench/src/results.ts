import type { Bench } from './bench.ts';
import { median, shown, spread } from './statistics.ts';

/** One measurement of a pair, or of ours alone where there is nothing to compare it with. */
export interface Sample {
  ours: number;
  other?: number;
  /** What else was seen while it was taken, for whoever wants to know why it is so. */
  [detail: string]: number;
}

/** A line of the table. */
export interface Line {
  name: string;
  /** What `ours` and `other` are measured in; of ratios always ours / other. */
  unit: string;
  /** What the ratio has to be; ours where there is no other. Without a bound it is only shown. */
  atLeast?: number;
  atMost?: number;
}

/** Takes a sample of one of the figure's lines. */
export type Note = (line: string, sample: Sample) => void;

/** What is measured together, in one file of `figures/`. */
export interface Figure {
  name: string;
  lines: readonly Line[];
  /** Names of the pictures that it draws into `bench.pictures`. */
  pictures?: readonly string[];
  /** Measures `bench.rounds` times; the two of a pair take turns at going first. */
  measure(bench: Bench, note: Note): Promise<void>;
}

/** A line of the table with what was measured, as `results.json` has it. */
export interface Result {
  name: string;
  unit: string;
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
  const { name, unit, atLeast, atMost } = line;
  const ours = median(samples.map((sample) => sample.ours));
  const others = samples.flatMap(({ other }) => (other === undefined ? [] : [other]));
  const other = others.length === 0 ? undefined : median(others);
  const ratio = other === undefined ? undefined : ours / other;
  const judged = ratio ?? ours;
  return {
    name,
    unit,
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

/** Measures a figure to its end; says each sample as it is taken. @throws Error when a line has no sample */
export async function measure(bench: Bench, figure: Figure, proves: boolean): Promise<Result[]> {
  const samples = new Map<string, Sample[]>(figure.lines.map(({ name }) => [name, []]));
  await figure.measure(bench, (name, sample) => {
    samples.get(name)!.push(sample);
    const values = Object.entries(sample).map(([key, value]) => `${key} ${shown(value)}`);
    bench.say(`${name}: ${values.join(', ')}`);
  });
  return figure.lines.map((line) => resultOf(line, samples.get(line.name)!, proves));
}
