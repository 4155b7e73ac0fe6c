import fc from 'fast-check';
import { test } from 'tap';
import { type Line, linesOf } from '../src/lines.ts';

async function read(chunks: Buffer[], maxBytes: number): Promise<Line[]> {
  async function* stream() {
    yield* chunks;
  }
  const lines: Line[] = [];
  for await (const line of linesOf(stream(), maxBytes)) lines.push(line);
  return lines;
}

const text = (line: Line) => (line.tooLong ? undefined : line.bytes.toString());

test('lines are the same however the stream is cut', async () => {
  const bytes = fc.array(fc.constantFrom('a', 'é', '\n', '\r\n', '{}'), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(bytes, fc.array(fc.nat(20)), async (parts, cuts) => {
      const whole = Buffer.from(parts.join(''));
      const chunks: Buffer[] = [];
      let from = 0;
      for (const cut of cuts) {
        chunks.push(whole.subarray(from, from + cut));
        from += cut;
      }
      chunks.push(whole.subarray(from));
      const expected = whole.toString().split('\n');
      if (expected.at(-1) === '') expected.pop();
      const lines = await read(chunks, 1000);
      const same = lines.every(
        (line, i) => line.number === i + 1 && text(line) === expected[i]?.replace(/\r$/, ''),
      );
      return same && lines.length === expected.length;
    }),
  );
});

test('a line beyond the limit is named without its text, and the next one is whole again', async (t) => {
  const lines = await read([Buffer.from('1234'), Buffer.from('5678901234567890\n12345\r\n123456\n')], 5);
  t.strictSame(
    lines.map((line) => [line.number, line.tooLong, text(line)]),
    [
      [1, true, undefined],
      [2, false, '12345'],
      [3, true, undefined],
    ],
  );
});

test('a byte order mark at the beginning is left out', async (t) => {
  const lines = await read([Buffer.from('\ufeff12345\n\ufeff1\n')], 5);
  t.strictSame(lines.map(text), ['12345', '\ufeff1']);
});
