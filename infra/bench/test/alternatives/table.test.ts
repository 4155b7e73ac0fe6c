import { test } from 'tap';
import { CELLS, LINES } from '../../src/alternatives/lines.ts';
import { alternativesTable } from '../../src/alternatives/table.ts';
import { resultOf } from '../../src/results.ts';

const READ = { calls: 10, oursP99: 2, otherP99: 8, oursPerSecond: 5_000 };
const ROUNDS = [
  { ours: 1, other: 4, ...READ, otherPerSecond: 900 },
  { ours: 3, other: 6, ...READ, otherPerSecond: 700 },
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

test('every user and range has a row of latencies and one of requests, and writes have theirs', (t) => {
  const rows = tableFor(LINES);
  t.equal(rows.length, 2 * (1 + CELLS.length) + 2);
  t.strictSame(rows[1], ['10', 'default window', '2 (1–3) / 2', ...new Array(3).fill('5 (4–6) / 8')]);
  t.strictSame(rows[CELLS.length + 2], [
    '10',
    'default window',
    '5 000 (5 000–5 000)',
    ...new Array(3).fill('800 (700–900)'),
  ]);
  t.end();
});
