import { alternativesTable } from './alternatives/table.ts';
import { alternatives } from './figures/alternatives.ts';
import { cold } from './figures/cold.ts';
import { cores } from './figures/cores.ts';
import { corrections } from './figures/corrections.ts';
import { costs } from './figures/costs.ts';
import { detail } from './figures/detail.ts';
import { freshness } from './figures/freshness.ts';
import { growth } from './figures/growth.ts';
import { ingest } from './figures/ingest.ts';
import { intake } from './figures/intake.ts';
import { masters } from './figures/masters.ts';
import { memory } from './figures/memory.ts';
import { parts } from './figures/parts.ts';
import { readBare, readGet, readLimit, readPostgres, readQuiet } from './figures/read.ts';
import { readEdges, readGrowth } from './figures/read-by-size.ts';
import { rebuild } from './figures/rebuild.ts';
import { remembered } from './figures/remembered.ts';
import { sizes } from './figures/sizes.ts';
import { soak } from './figures/soak.ts';
import { streams } from './figures/streams.ts';
import { tracing } from './figures/tracing.ts';
import { whale } from './figures/whale.ts';
import type { Figure, Result } from './results.ts';

/** The figures of a usual run, in order. */
export const figures: readonly Figure[] = [
  readBare,
  readLimit,
  readQuiet,
  readGet,
  readPostgres,
  readGrowth,
  readEdges,
  alternatives,
  ingest,
  rebuild,
  freshness,
  memory,
  growth,
];

/** Markdown by figure name, instead of its rows, for figures with too many lines for the common table. */
export const ownTables: ReadonlyMap<string, (results: readonly Result[]) => string> = new Map([
  [alternatives.name, alternativesTable],
]);

/** Measured only if named, or with `all`. Each has its own table in the document. */
export const apart: readonly Figure[] = [
  costs,
  streams,
  whale,
  masters,
  remembered,
  cores,
  parts,
  intake,
  tracing,
  detail,
  sizes,
  cold,
  corrections,
  soak,
];
