import fc from 'fast-check';
import { test } from 'tap';
import { parseJson, parseJsonBytes } from '../src/json.ts';

test('an integer that a double cannot hold becomes its digits, and nothing else changes', async (t) => {
  t.same(parseJson('{"a":1772357484749999999,"b":-9223372036854775808,"c":9007199254740991}'), {
    a: '1772357484749999999',
    b: '-9223372036854775808',
    c: Number.MAX_SAFE_INTEGER,
  });
  const text = '"1772357484749999999 and \\" 1772357484749999999 \\\\"';
  t.equal(parseJson(text), JSON.parse(text), 'digits in a string');
  t.equal(parseJson('0.12345678901234567890'), 0.12345678901234568, 'a fraction');
  t.equal(parseJson('1234567890123456e2'), 1234567890123456e2, 'an exponent');
  fc.assert(
    fc.property(fc.bigInt(), fc.string(), (integer, key) => {
      const read = parseJson(`{${JSON.stringify(key)}:[${integer},${JSON.stringify(String(integer))}]}`);
      const [number, digits] = (read as Record<string, [unknown, string]>)[key]!;
      return (
        String(number) === digits && Number.isSafeInteger(Number(digits)) === (typeof number === 'number')
      );
    }),
  );
});

test('what is not JSON gives undefined, and a long text is no trouble', async (t) => {
  for (const text of ['', '{', 'NaN', '01', '\ufeff1', "{'a':1}"]) t.equal(parseJson(text), undefined, text);
  t.equal(parseJsonBytes(Buffer.from([0x22, 0xff, 0x22])), undefined);
  const long = JSON.stringify(['\\"'.repeat(500_000), 'x'.repeat(1_000_000), '1234567890123456789']);
  t.same(parseJson(long), JSON.parse(long));
  t.equal(parseJson('['.repeat(1_000_000)), undefined);
});
