import { LINES } from '../alternatives/lines.ts';
import { measureReads } from '../alternatives/measure-reads.ts';
import { measureWrites } from '../alternatives/measure-writes.ts';
import type { Figure } from '../results.ts';

/** Fewer rounds than usual: there is much to measure, and some of it is slow. */
const ROUNDS = 3;

export const alternatives: Figure = {
  name: 'alternatives',
  lines: LINES,
  async measure(bench, note) {
    const rounds = Math.min(ROUNDS, bench.rounds);
    await measureReads(bench, rounds, note);
    await measureWrites(bench, rounds, note);
  },
};
