import fc from 'fast-check';
import { test } from 'tap';
import { csvRows, type Row, type Separator, separatorOf } from '../../src/import/csv-rows.ts';
import { linesOf } from '../../src/lines.ts';

const MAX_BYTES = 1_000;

async function read(text: string | Buffer, separator: Separator = ','): Promise<Row[]> {
  async function* chunks() {
    yield Buffer.from(text);
  }
  const rows: Row[] = [];
  for await (const row of csvRows(linesOf(chunks(), MAX_BYTES), separator, MAX_BYTES)) rows.push(row);
  return rows;
}

/** Each row's line and values, or the code of what is wrong. */
const seen = (rows: Row[]) => rows.map(({ line, values, rejection }) => [line, values ?? rejection.code]);

test('rows that are written as CSV are read as they were, with the lines on which they begin', async () => {
  const separators = fc.constantFrom<Separator>(',', ';', '\t', '|');
  const value = fc.string({
    unit: fc.constantFrom('a', 'é', '"', ',', ';', '\t', '|', '\n', ' '),
    maxLength: 6,
  });
  const rows = fc.array(fc.array(value, { minLength: 2, maxLength: 3 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(rows, separators, fc.constantFrom('\n', '\r\n'), async (rows, separator, end) => {
      const isPlain = (text: string) => /^[aé]*$/.test(text);
      const text = rows.map((values) =>
        values.map((one) => (isPlain(one) ? one : `"${one.replaceAll('"', '""')}"`)).join(separator),
      );
      const lines = text.map(
        (_, i) => 1 + text.slice(0, i).reduce((sum, row) => sum + row.split('\n').length, 0),
      );
      const expected = rows.map((values, i) => ({ line: lines[i], values }));
      // A row of nothing but separators that are spaces is a blank line.
      const filled = expected.filter((_, i) => text[i]!.trim() !== '');
      return JSON.stringify(await read(text.join(end), separator)) === JSON.stringify(filled);
    }),
  );
});

test('whatever the quotes are, every line is in a row or refused by its number', async () => {
  const line = fc.string({ unit: fc.constantFrom('a', '"', ',', ' '), maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 12 }), async (lines) => {
      const rows = await read(lines.join('\n'));
      const numbers = rows.map((row) => row.line);
      return lines.every((text, index) => {
        if (text.trim() === '' || numbers.includes(index + 1)) return true;
        // It is in the row that began last, whose values then have a line break for each line.
        const row = rows.findLast((one) => one.line <= index);
        const spanned = row?.values?.join('').split('\n').length ?? 0;
        return spanned > index + 1 - (row?.line ?? 0);
      });
    }),
    { numRuns: 500 },
  );
});

test('a quote in the wrong place costs its line, and no other', async (t) => {
  t.strictSame(seen(await read('a,b\n5" pipe,1\n2,"z"w\n3,ok\n')), [
    [1, ['a', 'b']],
    [2, 'RECORD_UNREADABLE'],
    [3, 'RECORD_UNREADABLE'],
    [4, ['3', 'ok']],
  ]);
  const long = Array.from({ length: 400 }, (_, i) => `${i},x`);
  const rows = seen(await read(['1,"open', ...long].join('\n')));
  t.strictSame(rows.slice(0, 3), [
    [1, 'RECORD_UNREADABLE'],
    [2, ['0', 'x']],
    [3, ['1', 'x']],
  ]);
  t.equal(rows.length, 401);
});

test('lines that are too long or not UTF-8 are refused, also within a value', async (t) => {
  const latin1 = Buffer.concat([Buffer.from('1,"a\n'), Buffer.from('é"\n', 'latin1'), Buffer.from('2,b\n')]);
  t.strictSame(seen(await read(latin1)), [
    [1, 'RECORD_UNREADABLE'],
    [2, 'EVENT_NOT_UTF8'],
    [3, ['2', 'b']],
  ]);
  t.strictSame(seen(await read(`${'x'.repeat(1_001)}\n1,2`)), [
    [1, 'EVENT_TOO_LARGE'],
    [2, ['1', '2']],
  ]);
});

test('the separator is the one that the first line has most of', async (t) => {
  t.equal(separatorOf('a;b;"c,d,e,f"'), ';');
  t.equal(separatorOf('a\tb'), '\t');
  t.equal(separatorOf('a|b|c,d'), '|');
  t.equal(separatorOf('a'), ',');
});
