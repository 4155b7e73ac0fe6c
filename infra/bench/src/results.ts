import type { Bench } from './bench.ts';
import { median, shown, spread } from './statistics.ts';

/** One measurement of a pair, or only of ours if there is nothing to compare it with. */
export interface Sample {
  ours: number;
  other?: number;
  /** Processor time on either side for each request or event, µs. */
  oursUs?: number;
  otherUs?: number;
  /** Other observations from the same measurement, to explain it. */
  [detail: string]: number;
}

/** A line of the table. */
export interface Line {
  name: string;
  /** The unit of `ours` and `other`. Ratios are always ours / other. */
  unit: string;
  /** The bound of the ratio, or of ours if there is no other. A line without a bound is only shown. */
  atLeast?: number;
  atMost?: number;
}

/** Records a sample of one of the figure's lines. */
export type Note = (line: string, sample: Sample) => void;

/** What one file of `figures/` measures together. */
export interface Figure {
  name: string;
  lines: readonly Line[];
  /** Names of the pictures that it draws into `bench.pictures`. */
  pictures?: readonly string[];
  /** Measures `bench.rounds` times. The two of a pair take turns at going first. */
  measure(bench: Bench, note: Note): Promise<void>;
}

/** A line of the table with its measurements, as in `results.json`. */
export interface Result {
  name: string;
  unit: string;
  ours: number;
  other?: number;
  /** Ours / other, of the medians. */
  ratio?: number;
  atLeast?: number;
  atMost?: number;
  /** Whether the bound holds. Absent without a bound, and in a run that proves nothing. */
  holds?: boolean;
  samples: Sample[];
}

/**
 * @param proves false for a run with small sizes or a profiler, which cannot meet or miss a bound
 * @throws Error if there is no sample
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

/** Medians of the processor times on either side, µs; undefined if they were not measured. */
export function processorTimes({ samples }: Result): { ours: number; other: number } | undefined {
  const [ours, other] = (['oursUs', 'otherUs'] as const).map((side) =>
    samples.flatMap(({ [side]: us }) => (us === undefined ? [] : [us])),
  );
  return ours!.length === 0 ? undefined : { ours: median(ours!), other: median(other!) };
}

/** Minimum and maximum of ours, of the other and of the ratios within one round. */
export function spreads({ samples }: Result) {
  const pairs = samples.flatMap(({ ours, other }) => (other === undefined ? [] : [{ ours, other }]));
  return {
    ours: spread(samples.map(({ ours }) => ours)),
    other: pairs.length === 0 ? undefined : spread(pairs.map(({ other }) => other)),
    ratio: pairs.length === 0 ? undefined : spread(pairs.map(({ ours, other }) => ours / other)),
  };
}

/** Measures a figure to its end, and prints each sample. @throws Error if a line has no sample */
export async function measure(bench: Bench, figure: Figure, proves: boolean): Promise<Result[]> {
  const samples = new Map<string, Sample[]>(figure.lines.map(({ name }) => [name, []]));
  await figure.measure(bench, (name, sample) => {
    samples.get(name)!.push(sample);
    const values = Object.entries(sample).map(([key, value]) => `${key} ${shown(value)}`);
    bench.say(`${name}: ${values.join(', ')}`);
  });
  return figure.lines.map((line) => resultOf(line, samples.get(line.name)!, proves));
}
