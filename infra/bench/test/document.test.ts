import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'tap';
import { DOCUMENT, PICTURES, tableIn, withTable } from '../src/document.ts';
import { apart, figures, ownTables } from '../src/figures.ts';
import type { Figure } from '../src/results.ts';

const document = readFileSync(DOCUMENT, 'utf8');
const all = [...figures, ...apart];
/** Figures with their lines in the common table. */
const inTable = figures.filter(({ name }) => !ownTables.has(name));

function lineNames(of: readonly Figure[]): string[] {
  return of.flatMap(({ lines }) => lines.map(({ name }) => name));
}

/** The first cell of each row, in backticks. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/^\| `([a-z0-9-]+)` +\|/gm)].map(([, name]) => name!);
}

test('docs/performance.md explains exactly the measured figures', (t) => {
  const tables = [tableIn(document), ...apart.map(({ name }) => tableIn(document, name))];
  const explained = tables.reduce((text, table) => text.replace(table, ''), document);
  t.strictSame(namesIn(explained).sort(), lineNames([...inTable, ...apart]).sort());
  t.end();
});

test('its tables show exactly the measured figures', (t) => {
  t.strictSame(namesIn(tableIn(document)), lineNames(inTable));
  for (const one of apart) t.strictSame(namesIn(tableIn(document, one.name)), lineNames([one]));
  t.end();
});

test('it shows exactly the pictures that are drawn', (t) => {
  const drawn = all.flatMap(({ pictures = [] }) => pictures).sort();
  const shown = [...document.matchAll(/^!\[.+\]\(performance\/(.+)\.svg\)$/gm)].map(([, name]) => name!);
  t.strictSame(shown.sort(), drawn);
  t.strictSame(
    readdirSync(PICTURES).sort(),
    drawn.map((name) => `${name}.svg`),
  );
  t.end();
});

test('a figure with its own table has a place for it, which is filled', (t) => {
  for (const name of ownTables.keys()) t.match(tableIn(document, name), /^\| \S/m, name);
  t.end();
});

test('names of lines are unique, and every figure is named after one of its lines', (t) => {
  t.equal(new Set(lineNames(all)).size, lineNames(all).length);
  for (const { name, lines } of all) t.equal(lines[0]!.name.startsWith(name), true, name);
  t.end();
});

test('a table replaces the one before and leaves the rest unchanged', (t) => {
  for (const name of [undefined, ...ownTables.keys(), ...apart.map(({ name }) => name)]) {
    const once = withTable(document, '| `new` |\n', name);
    t.equal(tableIn(once, name), '\n| `new` |\n');
    const back = withTable(once, tableIn(document, name), name);
    t.equal(back.replaceAll('\n\n', '\n'), document.replaceAll('\n\n', '\n'));
    if (name !== undefined) t.equal(tableIn(once), tableIn(document), 'the common table stays');
  }
  t.throws(() => withTable('nothing here', 'x'), /has no <!-- begin/);
  t.end();
});
