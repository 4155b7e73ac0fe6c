import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { DOCUMENT, tableIn, withTable } from '../src/document.ts';
import type { Figure } from '../src/figure.ts';
import { figures, ownTables } from '../src/figures.ts';

const document = readFileSync(DOCUMENT, 'utf8');
const namesOf = (some: readonly Figure[]) => some.flatMap(({ lines }) => lines.map(({ name }) => name));
/** Those whose lines are rows of the table of all. */
const names = namesOf(figures.filter(({ name }) => !ownTables.has(name)));

/** The first cell of each row, in backticks. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/^\| `([a-z0-9-]+)` +\|/gm)].map(([, name]) => name!);
}

test('docs/performance.md explains each figure that is measured, and no other', (t) => {
  const explained = document.replace(tableIn(document), '');
  t.strictSame(namesIn(explained), names);
  t.end();
});

test('its table shows each figure that is measured, and no other', (t) => {
  t.strictSame(namesIn(tableIn(document)), names);
  t.end();
});

test('a figure with a table of its own has a place for it, which was filled', (t) => {
  for (const name of ownTables.keys()) t.match(tableIn(document, name), /^\| \S/m, name);
  t.end();
});

test('no two lines have one name, and every figure is named after a line of its own', (t) => {
  const all = namesOf(figures);
  t.equal(new Set(all).size, all.length);
  for (const { name, lines } of figures) t.equal(lines[0]!.name.startsWith(name), true, name);
  t.end();
});

test('a table takes the place of the one before and leaves all else alone', (t) => {
  const once = withTable(document, '| `new` |\n');
  t.equal(tableIn(once), '\n| `new` |\n');
  t.equal(withTable(once, tableIn(document)).replaceAll('\n\n', '\n'), document.replaceAll('\n\n', '\n'));
  for (const name of ownTables.keys()) {
    const own = withTable(document, '| new |', name);
    t.equal(tableIn(own, name), '\n| new |\n');
    t.equal(tableIn(own), tableIn(document), 'that of all the others stays');
  }
  t.throws(() => withTable('nothing here', 'x'), /has no <!-- begin/);
  t.end();
});
