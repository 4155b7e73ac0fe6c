import { readFileSync } from 'node:fs';
import { test } from 'tap';

const read = (name: string) => readFileSync(new URL(`../../../../${name}`, import.meta.url), 'utf8');

test('.editorconfig matches the settings of biome', (t) => {
  const { formatter } = JSON.parse(read('biome.json'));
  const all = /^\[\*\]\n((?:.+\n)+)/m.exec(read('.editorconfig'))?.[1] ?? '';
  const told = Object.fromEntries(all.split('\n').map((line) => line.split(' = ')));
  t.equal(told.indent_style, formatter.indentStyle);
  t.equal(told.indent_size, `${formatter.indentWidth ?? 2}`);
  t.equal(told.max_line_length, `${formatter.lineWidth}`);
  t.equal(told.end_of_line, formatter.lineEnding ?? 'lf');
  t.end();
});
