import { test } from 'tap';
import { CELLS, LINES } from '../../src/alternatives/lines.ts';
import { alternativesTable } from '../../src/alternatives/table.ts';
import { resultOf } from '../../src/results.ts';

const READ = { calls: 10, oursP99: 2, otherP99: 8, oursPerSecond: 5_000, oursUs: 30 };
const ROUNDS = [
  { ours: 1, other: 4, ...READ, otherPerSecond: 900, otherUs: 400 },
  { ours: 3, other: 6, ...READ, otherPerSecond: 700, otherUs: 500 },
];

/** The cells of every row of all tables. */
function rowsOf(markdown: string): string[][] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('|') && !line.startsWith('|-'))
    .map((line) => line.slice(1, -1).split('|').map((cell) => cell.trim())); // biome-ignore format: one thought
}

function tableFor(lines: typeof LINES) {
  return rowsOf(alternativesTable(lines.map((line) => resultOf(line, ROUNDS, true))));
}

test('every user and range has a row of latencies, of requests and of processor time; writes have theirs', (t) => {
  const rows = tableFor(LINES);
  t.equal(rows.length, 3 * (1 + CELLS.length) + 3);
  t.strictSame(rows[1], ['10', 'default window', '2 (1–3) / 2', ...new Array(3).fill('5 (4–6) / 8')]);
  t.strictSame(rows[CELLS.length + 2], [
    '10',
    'default window',
    '5 000 (5 000–5 000)',
    ...new Array(3).fill('800 (700–900)'),
  ]);
  t.strictSame(rows[2 * CELLS.length + 3], [
    '10',
    'default window',
    '30 (30–30)',
    ...new Array(3).fill('450 (400–500)'),
  ]);
  t.strictSame(rows.at(-2), ['calls a second', '2 (1–3)', ...new Array(3).fill('5 (4–6)')]);
  t.strictSame(rows.at(-1), [
    'processor time for a call, µs',
    '30 (30–30)',
    ...new Array(3).fill('450 (400–500)'),
  ]);
  t.end();
});
