import type { Figure } from '../results.ts';
import { growthBatches } from './growth/batches.ts';
import { growthCalls } from './growth/calls.ts';
import { growthPartitions } from './growth/partitions.ts';
import { growthRange } from './growth/range.ts';
import { growthUsers } from './growth/users.ts';

const CURVES = [growthUsers, growthCalls, growthRange, growthPartitions, growthBatches];

/** How costs grow: a curve for each quantity that may grow, drawn into a picture. */
export const growth: Figure = {
  name: 'growth',
  lines: CURVES.flatMap(({ lines }) => lines),
  pictures: CURVES.flatMap(({ pictures = [] }) => pictures),
  async measure(bench, note) {
    for (const curve of CURVES) await curve.measure(bench, note);
  },
};
