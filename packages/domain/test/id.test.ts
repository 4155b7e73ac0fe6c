import { compareIds, ID_PATTERN, isId } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';

const pattern = new RegExp(ID_PATTERN, 'u');

test('ids of many platforms are accepted', async (t) => {
  const ids = [
    'a',
    '0',
    '-a',
    '+15550100042',
    'a+b@example.com',
    'KyZQ==',
    '100001616500^10000183',
    'arn:aws:x/y',
    'sip:+1555@host;transport=tls',
    '{"$gt":""}',
    '}{',
    '#',
    '$where',
    'a.b',
    '__proto__',
    '"quoted" & <tagged>',
    'c:\\calls\\1',
    'two words',
    'a\u2028b',
    'Ä',
    '客户-42',
    'مستخدم',
    'Zoë',
    'Zoe\u0308',
    '👩‍👩‍👧',
    '\u200bzero width',
    '\u202eright to left',
    'x'.repeat(256),
    '💬'.repeat(256),
  ];
  // By number: a name with these characters in it would be another thing to the reader of the results.
  for (const [i, id] of ids.entries()) t.ok(isId(id), `id ${i}`);
  t.notOk(isId('x'.repeat(257)));
  t.notOk(isId('💬'.repeat(257)));
});

test('an id has no invisible ends, control characters or unpaired surrogates', async (t) => {
  for (const value of ['', 1, null, undefined, {}, ['a'], new String('a')])
    t.notOk(isId(value), String(value));
  const spaces = [...' \u00a0\u1680\u2000\u2009\u2028\u2029\u202f\u205f\u3000\ufeff'];
  for (const space of spaces) {
    const code = space.charCodeAt(0).toString(16);
    t.notOk(isId(`${space}a`), `${code} in front`);
    t.notOk(isId(`a${space}`), `${code} behind`);
    t.notOk(isId(space), `${code} alone`);
    t.ok(isId(`a${space}b`), `${code} within`);
  }
  for (let code = 0; code < 0xa0; code++) {
    const isControl = code < 0x20 || code > 0x7e;
    t.equal(isId(`a${String.fromCharCode(code)}b`), !isControl, code.toString(16));
  }
  for (const half of ['\ud83d', '\ude00', '\ude00\ud83d', 'a\ud83d', '\ud83da', '💬\udfff'])
    t.notOk(isId(half));
});

test('isId agrees with the pattern of the schema and with its separate rules', async () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc
      .array(fc.constantFrom('a', '💬', ' ', '\ufeff', '\u0085', '\ud83d', '\n', '}'), { maxLength: 4 })
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (value) => {
      const characters = [...value];
      const isGood =
        characters.length >= 1 &&
        characters.length <= 256 &&
        value.trim() === value &&
        value.isWellFormed() &&
        characters.every((one) => one >= ' ' && (one < '\u007f' || one > '\u009f'));
      return isId(value) === isGood && pattern.test(value) === isGood;
    }),
    { numRuns: 5_000 },
  );
});

test('ids are ordered by their UTF-8 bytes, as in the stores', async (t) => {
  const unit = fc.constantFrom('a', 'b', '\ud7ff', '\ue000', '\ufffd', '\u{10000}', '💬', '\u{10ffff}', 'é');
  const id = fc.oneof(
    fc.array(unit, { maxLength: 6 }).map((parts) => parts.join('')),
    fc.string({ unit: 'grapheme' }),
  );
  fc.assert(
    fc.property(id, id, (a, b) => {
      return Math.sign(compareIds(a, b)) === Buffer.compare(Buffer.from(a), Buffer.from(b));
    }),
    { numRuns: 5_000 },
  );
  t.ok('\ufffd' > '💬' && compareIds('\ufffd', '💬') < 0, 'which is not the order of JavaScript');
});
