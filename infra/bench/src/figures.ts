import { alternativesTable } from './alternatives/table.ts';
import type { Figure } from './figure.ts';
import { alternatives } from './figures/alternatives.ts';
import { freshness } from './figures/freshness.ts';
import { ingest } from './figures/ingest.ts';
import { memory } from './figures/memory.ts';
import { readBare } from './figures/read-bare.ts';
import { readEdges } from './figures/read-edges.ts';
import { readGet } from './figures/read-get.ts';
import { readGrowth } from './figures/read-growth.ts';
import { readPostgres } from './figures/read-postgres.ts';
import { readQuiet } from './figures/read-quiet.ts';
import { rebuild } from './figures/rebuild.ts';
import type { Result } from './results.ts';

/** In the order in which they are measured. */
export const figures: readonly Figure[] = [
  readBare,
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
];

/** Markdown by the name of a figure whose lines would be too many for the table of all, in place of its rows there. */
export const ownTables: ReadonlyMap<string, (results: readonly Result[]) => string> = new Map([
  [alternatives.name, alternativesTable],
]);
