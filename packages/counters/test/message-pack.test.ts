import fc from 'fast-check';
import { test } from 'tap';
import { unpackStrings } from '../src/message-pack.ts';
import { holds, testCounters } from './support.ts';

test('texts of any length and number come back as Redis has packed them', async (t) => {
  const { admin } = await testCounters(t);
  const packed = (texts: readonly Buffer[]) =>
    admin.callBuffer('EVAL', 'return cmsgpack.pack(ARGV)', 0, ...texts) as Promise<Buffer>;
  const text = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.uint8Array({ minLength: 250, maxLength: 260 }),
    fc.nat(70_000).map((length) => new Uint8Array(length)),
  );
  await holds(
    t,
    fc.asyncProperty(fc.array(text, { maxLength: 20 }), async (given) => {
      const texts = given.map((bytes) => Buffer.from(bytes));
      const found = unpackStrings(await packed(texts));
      return found.length === texts.length && found.every((one, i) => one.equals(texts[i]!));
    }),
    200,
  );
  const many = Array.from({ length: 70_000 }, (_, i) => Buffer.from(String(i)));
  const [list, ...more] = [await packed(many), Buffer.from([0x90]), Buffer.from([0x91, 0xa2, 0x61])];
  t.strictSame(unpackStrings(list!).map(String), many.map(String));
  t.strictSame(unpackStrings(more[0]!), []);
  t.throws(() => unpackStrings(more[1]!), /cut off/);
  t.throws(() => unpackStrings(Buffer.from([0x81, 0xa1])), /no list/);
});
