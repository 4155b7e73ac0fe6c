import { clickHouse } from '../alternatives/clickhouse.ts';
import { measureReads } from '../alternatives/measure-reads.ts';
import { measureWrites } from '../alternatives/measure-writes.ts';
import { LINES, linesOf } from '../alternatives/names.ts';
import type { Figure } from '../results.ts';

/** There are many to be measured, and some are slow. */
const ROUNDS = 3;

export const alternatives: Figure = {
  name: 'alternatives',
  lines: LINES,
  async measure(bench, note, leaveOut) {
    const rounds = Math.min(ROUNDS, bench.rounds);
    if ((await bench.shared(clickHouse)) === undefined) linesOf('clickhouse').forEach(leaveOut);
    await measureReads(bench, rounds, note);
    await measureWrites(bench, rounds, note);
  },
};
