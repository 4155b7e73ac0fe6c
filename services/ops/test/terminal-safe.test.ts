import { escapeUnsafe } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import { bytesLine, valueLines } from '../src/dead-letters/bytes-view.ts';
import { safeJson, shownText } from '../src/terminal-safe.ts';

/** What a terminal acts upon, or a reader does not see: C0, DEL, C1, marks of direction, separators, tags, surrogates. */
const NASTY = [
  '\u001b[2J\u001b]0;title\u0007',
  '\u009b31m',
  '\u007f\b\r\n\t\0',
  '\u202eevil\u202c \u2066x\u2069 \u200e\u200f\u061c',
  '\u2028\u2029\u0085',
  '\u200b\u200d\u2060\ufeff\u00ad',
  '\u{e0001}\u{e0041}',
  '\ud800 \udfff',
];

// Written apart from the product's own pattern: ranges, and what is left of surrogates when pairs are gone.
const TOUCHES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]/;
const touches = (text: string) =>
  TOUCHES.test(text.replace(/[\ud800-\udbff][\udc00-\udfff]/g, (pair) => (pair < '\udb40' ? 'x' : pair)));

const nastyText = fc
  .array(fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'binary' }), fc.string()))
  .map((parts) => parts.join(''));

test('whatever a text holds, what is shown of it cannot touch a terminal', (t) => {
  for (const [i, text] of NASTY.entries()) {
    t.ok(touches(text), `${i} would`);
    t.notOk(touches(escapeUnsafe(text)), `${i} does not`);
  }
  fc.assert(fc.property(nastyText, (text) => !touches(escapeUnsafe(text)) && !touches(shownText(text, 20))));
  t.equal(escapeUnsafe('\u001b[31m\u202e\u{e0041}'), '\\u001b[31m\\u202e\\udb40\\udc41');
  t.equal(escapeUnsafe('Ärger 💬 日本'), 'Ärger 💬 日本', 'what is harmless stays readable');
  t.equal(shownText('abc', 3), 'abc');
  t.equal(shownText('abcd', 3), 'abc…');
  t.end();
});

test('JSON for programs is the same to them, and harmless on a terminal', (t) => {
  fc.assert(
    fc.property(nastyText, (text) => {
      const line = safeJson({ text });
      return !touches(line) && JSON.parse(line).text === text;
    }),
  );
  t.end();
});

test('any bytes, as a key or as a value, are shown within lines that cannot touch a terminal', (t) => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    nastyText.map((text) => Buffer.from(text)),
    nastyText.map((text) => Buffer.from(JSON.stringify({ [text]: [text, { text }] }))),
  );
  fc.assert(
    fc.property(anything, fc.integer({ min: 0, max: 200 }), (bytes, maxBytes) =>
      [...valueLines(bytes, maxBytes), bytesLine(bytes, maxBytes)].every((line) => !touches(line)),
    ),
    { numRuns: 1_000 },
  );
  t.end();
});

test('a value that is JSON is indented as it was written, repeated keys and long numbers too', (t) => {
  const value = '{"a":1,"a":1e400 ,\n"n":12345678901234567890,"s":"\\u001b[2J\\" , }","l":[[],{}],"e":[1,2]}';
  t.strictSame(
    [...valueLines(Buffer.from(value), 4_096)],
    [
      '{',
      '  "a": 1,',
      '  "a": 1e400,',
      '  "n": 12345678901234567890,',
      '  "s": "\\u001b[2J\\" , }",',
      '  "l": [',
      '    [',
      '    ],',
      '    {',
      '    }',
      '  ],',
      '  "e": [',
      '    1,',
      '    2',
      '  ]',
      '}',
    ],
  );
  fc.assert(
    fc.property(fc.json(), (json) => {
      const shown = [...valueLines(Buffer.from(json), Number.POSITIVE_INFINITY)].join('\n');
      return JSON.stringify(JSON.parse(shown)) === JSON.stringify(JSON.parse(json));
    }),
  );
  t.end();
});

test('a value that is no JSON is a hex dump', (t) => {
  t.strictSame(
    [...valueLines(Buffer.from('{"call_id":\u001b[2J\u00e9'), 4_096)],
    [
      '00000000  7b 22 63 61 6c 6c 5f 69 64 22 3a 1b 5b 32 4a c3  |{"call_id":.[2J.|',
      '00000010  a9                                               |.|',
    ],
  );
  t.equal(bytesLine(Buffer.from([0xff, 0x00]), 10), 'hex ff00');
  t.equal(bytesLine(null, 10), 'none');
  t.end();
});

test('what is shown is bounded and says how much is left out; a character is not cut', (t) => {
  t.equal(bytesLine(Buffer.from('aaaé'), 4), '"aaa" … 2 more bytes');
  t.match([...valueLines(Buffer.alloc(100), 16)], [/^00000000/, '… 84 more bytes']);
  const long = JSON.stringify({ text: 'x'.repeat(10_000) });
  t.match([...valueLines(Buffer.from(long), 100)].at(-1), `… ${long.length - 100} more bytes`);
  // A million brackets, or one string of megabytes, must cost neither the stack nor gigabytes.
  const deep = Buffer.from('['.repeat(1_000_000) + ']'.repeat(1_000_000));
  t.equal([...valueLines(deep, 4_096)].length, 4_097);
  let lines = 0;
  for (const line of valueLines(deep, Number.POSITIVE_INFINITY)) lines += line.length < 100 ? 1 : 0;
  t.equal(lines, 2_000_000);
  const wide = Buffer.from(JSON.stringify('\\"\n'.repeat(1_000_000)));
  t.equal([...valueLines(wide, Number.POSITIVE_INFINITY)].length, 1);
  t.end();
});
