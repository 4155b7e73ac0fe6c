import type { Bench } from './bench.ts';

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
  /** What is measured, and against what. */
  compares: string;
  /** What the ratio has to be; ours where there is no other. Without a bound it is only shown. */
  atLeast?: number;
  atMost?: number;
}

/** Takes a sample of one of the figure's lines. */
export type Note = (line: string, sample: Sample) => void;

/** Says that a line is not measured on this machine; without that, a line without a sample is a fault. */
export type LeaveOut = (line: string) => void;

/** What is measured together, in one file of `figures/`. */
export interface Figure {
  name: string;
  lines: readonly Line[];
  /** Names of the pictures that it draws into `bench.pictures`. */
  pictures?: readonly string[];
  /** Measures `bench.rounds` times; the two of a pair take turns at going first. */
  measure(bench: Bench, note: Note, leaveOut: LeaveOut): Promise<void>;
}
