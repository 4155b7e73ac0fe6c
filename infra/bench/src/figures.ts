import type { Figure } from './figure.ts';
import { ingest } from './figures/ingest.ts';
import { readBare } from './figures/read-bare.ts';
import { readGet } from './figures/read-get.ts';
import { readQuiet } from './figures/read-quiet.ts';

/** In the order in which they are measured. */
export const figures: readonly Figure[] = [readBare, readQuiet, readGet, ingest];
