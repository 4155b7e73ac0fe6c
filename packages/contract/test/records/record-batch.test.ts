import { CODECS, type Codec, encodeBatch, type Header, type RawRecord } from '@calltally/contract/testing';
import fc from 'fast-check';
import { test } from 'tap';
import { registerCodecs } from '../../src/compression.ts';
import { decodeRecords, type FetchedRecord } from '../../src/records/record-batch.ts';
import { unreadableOf } from '../../src/records/unreadable.ts';

registerCodecs();

const noLegacy = async () => {
  throw new Error('no entry of an older format is expected');
};
const decode = (buffer: Buffer) => decodeRecords(buffer, noLegacy);

const bytes = (maxLength: number) =>
  fc.option(
    fc.uint8Array({ maxLength }).map((array) => Buffer.from(array)),
    { nil: null },
  );
const name = fc.oneof(
  fc.constantFrom('constructor', '__proto__', 'toString', ''),
  fc.string({ unit: 'grapheme' }),
);
const record: fc.Arbitrary<RawRecord> = fc.record({
  key: bytes(20),
  value: bytes(200),
  headers: fc.array(fc.tuple(name, bytes(20)) as fc.Arbitrary<Header>, { maxLength: 4 }),
  timestampDelta: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
});
const codec = fc.constantFrom<Codec>(...CODECS);
const NOW = 1_774_000_000_000;

test('records are read as they were written, in any codec and number of batches', async () => {
  const batch = fc.record({ records: fc.array(record, { minLength: 1, maxLength: 20 }), codec });
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 4 }), async (batches) => {
      const encoded = await Promise.all(batches.map((one) => encodeBatch({ ...one, timestamp: NOW })));
      let next = 0;
      for (const [i, { records }] of batches.entries()) {
        encoded[i]!.writeBigInt64BE(BigInt(next), 0);
        next += records.length;
      }
      const read = await decode(Buffer.concat(encoded));
      return isSame(
        read,
        batches.flatMap(({ records }) => records),
      );
    }),
  );
});

/** What must come of records: the values of a header's name together, in their order. */
function isSame(read: readonly FetchedRecord[], records: readonly RawRecord[]): boolean {
  const plain = (value: unknown) => (Buffer.isBuffer(value) ? value.toString('hex') : value);
  const expected = records.map(({ key, value, headers = [], timestampDelta = 0 }) => {
    const names = [...new Set(headers.map(([one]) => String(one)))];
    const all = names.map((one) => {
      const values = headers.filter(([other]) => other === one).map(([, bytes]) => plain(bytes));
      return [one, values.length === 1 ? values[0] : values];
    });
    return [plain(key), plain(value), String(NOW + timestampDelta), all];
  });
  const found = read.map(({ key, value, timestamp, headers }) => [
    plain(key),
    plain(value),
    timestamp,
    Object.entries(headers).map(([one, value]) => [
      one,
      Array.isArray(value) ? value.map(plain) : plain(value),
    ]),
  ]);
  const sorted = (all: unknown[]) =>
    JSON.stringify(all, (_, value) => (isPairs(value) ? value.toSorted(byName) : value));
  return sorted(found) === sorted(expected);
}

const isPairs = (value: unknown): value is [string, unknown][] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((one) => Array.isArray(one) && typeof one[0] === 'string');
const byName = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : a > b ? 1 : 0);

test('never throws, and reads or reports every offset of a complete batch, whatever the bytes', async () => {
  const damaged = fc.record({
    records: fc.array(record, { minLength: 1, maxLength: 8 }),
    codec,
    at: fc.nat(),
    to: fc.uint8Array({ minLength: 1, maxLength: 12 }),
  });
  await fc.assert(
    fc.asyncProperty(damaged, record, async ({ at, to, ...batch }, good) => {
      const first = await encodeBatch({ ...batch, timestamp: NOW });
      // Not what the broker itself goes by: base offset, length, format, and the offset of the last record.
      const from = 27 + (at % (first.length - 27));
      Buffer.from(to).copy(first, from);
      const second = await encodeBatch({ records: [good], timestamp: NOW });
      second.writeBigInt64BE(BigInt(batch.records.length), 0);
      const read = await decode(Buffer.concat([first, second]));
      const offsets = read.map(({ offset }) => Number(offset));
      const ascending = offsets.every((offset, i) => i === 0 || offset > offsets[i - 1]!);
      const last = read.at(-1)!;
      return (
        ascending &&
        Number(last.offset) === batch.records.length &&
        unreadableOf(last) === undefined &&
        String(last.value) === String(good.value)
      );
    }),
    { numRuns: 500 },
  );
});

test('arbitrary bytes are read or skipped', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (array, asBatch) => {
      const buffer = Buffer.from(array);
      if (asBatch && buffer.length > 16) buffer[16] = 2;
      await decodeRecords(buffer, noLegacy);
      return true;
    }),
    { numRuns: 2_000 },
  );
});

test('a batch that declares more or fewer records than it holds', async (t) => {
  const records = [1, 2, 3].map((n) => ({ value: Buffer.from(String(n)) }));
  const seen = (read: FetchedRecord[]) =>
    read.map((one) => {
      const { first, through } = unreadableOf(one) ?? {};
      return first === undefined ? String(one.value) : `${first}-${through} unreadable`;
    });
  const saying = async (count: number, lastOffsetDelta = 2) => {
    const batch = await encodeBatch({ records });
    batch.writeInt32BE(count, 57);
    batch.writeInt32BE(lastOffsetDelta, 23);
    return seen(await decode(batch));
  };
  t.strictSame(await saying(3), ['1', '2', '3']);
  t.strictSame(await saying(2_147_483_647), ['1', '2', '3']);
  t.strictSame(await saying(9, 8), ['1', '2', '3', '3-8 unreadable']);
  t.strictSame(await saying(1), ['1', '1-2 unreadable']);
  t.strictSame(await saying(-5), ['0-2 unreadable']);
});

test('compacted offsets end in a record without an event', async (t) => {
  const batch = await encodeBatch({ records: [{ value: Buffer.from('kept') }] });
  batch.writeInt32BE(9, 23);
  batch.writeBigInt64BE(77n, 43);
  const [kept, rest] = await decode(batch);
  t.match(kept, { offset: '0', isControlRecord: false });
  t.match(rest, { offset: '9', isControlRecord: true, value: null });
  t.equal(rest!.batchContext.producerId, '-1', 'it ends nobody’s transaction');
  const empty = await encodeBatch({ records: [] });
  empty.writeBigInt64BE(40n, 0);
  empty.writeInt32BE(2, 23);
  t.match(await decode(empty), [{ offset: '42', isControlRecord: true }], 'a batch of which nothing is left');
});

test('an unknown codec is reported', async (t) => {
  const batch = await encodeBatch({ records: [{ value: Buffer.from('x') }] });
  batch.writeInt16BE(6, 21);
  const [one] = await decode(batch);
  t.match(unreadableOf(one!), { first: 0, through: 0, reason: /codec 6/ });
});

test('decoding stops where batches do not follow each other, and guesses nothing behind', async (t) => {
  const at = async (offset: number) => {
    const batch = await encodeBatch({ records: [{ value: Buffer.from(String(offset)) }] });
    batch.writeBigInt64BE(BigInt(offset), 0);
    return batch;
  };
  const [first, second, third] = await Promise.all([at(0), at(1), at(2)]);
  const read = async (...batches: Buffer[]) =>
    (await decode(Buffer.concat(batches))).map(({ offset }) => Number(offset));
  const damaged = (edit: (batch: Buffer) => void) => {
    const copy = Buffer.from(second!);
    edit(copy);
    return copy;
  };
  t.strictSame(await read(first!, second!, third!), [0, 1, 2]);
  t.strictSame(await read(first!, second!.subarray(0, second!.length - 3)), [0], 'cut off by the broker');
  for (const [what, edit] of [
    ['a length that is less than a header', (batch: Buffer) => batch.writeInt32BE(5, 8)],
    ['a length below zero', (batch: Buffer) => batch.writeInt32BE(-500, 8)],
    ['a length beyond the end', (batch: Buffer) => batch.writeInt32BE(2 ** 30, 8)],
    ['a format that is not there yet', (batch: Buffer) => batch.writeInt8(7, 16)],
    ['an older format', (batch: Buffer) => batch.writeInt8(1, 16)],
    ['an offset that was read', (batch: Buffer) => batch.writeBigInt64BE(0n, 0)],
  ] as const) {
    t.strictSame(await read(first!, damaged(edit), third!), [0], what);
  }
});

test('a batch with a wrong last offset does not extend into the next one', async (t) => {
  const lying = await encodeBatch({
    records: [{ value: Buffer.alloc(100) }],
    codec: 'gzip',
    spoil: () => Buffer.alloc(50),
  });
  lying.writeInt32BE(1_000_000, 23);
  const next = await encodeBatch({ records: [{ value: Buffer.from('x') }] });
  next.writeBigInt64BE(3n, 0);
  const read = await decode(Buffer.concat([lying, next]));
  t.match(unreadableOf(read[0]!), { first: 0, through: 2 });
  t.match(read[1], { offset: '3' });
});

test('batches are unpacked up to the limit of one response; the rest is left for the next', async (t) => {
  const batches = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      const batch = await encodeBatch({
        records: [{ value: Buffer.alloc(10 * 1024 * 1024) }],
        codec: 'gzip',
      });
      batch.writeBigInt64BE(BigInt(i), 0);
      return batch;
    }),
  );
  const read: number[] = [];
  for (let next = 0; next < batches.length; ) {
    const records = await decode(Buffer.concat(batches.slice(next)));
    t.ok(records.length <= 2, `${records.length} at a time`);
    for (const { offset, value } of records) read.push(value!.length && Number(offset));
    next = read.at(-1)! + 1;
  }
  t.strictSame(read, [0, 1, 2, 3, 4, 5, 6, 7], 'and all of them are read');
});

test('a batch that declares too low a last offset leaves no offset out', async (t) => {
  const records = [0, 1, 2, 3, 4].map((n) => ({ value: Buffer.from(String(n)) }));
  const lying = await encodeBatch({ records });
  lying.writeInt32BE(1, 23);
  const next = await encodeBatch({ records: [{ value: Buffer.from('5') }] });
  next.writeBigInt64BE(5n, 0);
  const read = await decode(Buffer.concat([lying, next]));
  t.same(
    read.map((one) => unreadableOf(one)?.first ?? Number(one.offset)),
    [0, 1, 2, 5],
  );
  t.match(unreadableOf(read[2]!), { first: 2, through: 4 });
});

test('a batch of very many records is read', async (t) => {
  const records = Array.from({ length: 300_000 }, () => ({ value: Buffer.from('[') }));
  const read = await decode(await encodeBatch({ records, codec: 'gzip' }));
  t.equal(read.length, 300_000);
});

test('kafkajs decodes entries of older formats, and one that it cannot decode is reported', async (t) => {
  const entry = Buffer.alloc(40);
  entry.writeBigInt64BE(7n, 0);
  entry.writeInt32BE(28, 8);
  entry[16] = 1;
  const legacy = async () => [{ offset: '7', key: null, value: Buffer.from('old'), timestamp: '5' }];
  t.match(await decodeRecords(entry, legacy), [{ offset: '7', isControlRecord: false, batchContext: {} }]);
  const [empty] = await decodeRecords(entry, async () => []);
  t.match(unreadableOf(empty!), { first: 7, reason: /truncated/ }, 'kafkajs skips such an entry');
  const [one] = await decodeRecords(entry, noLegacy);
  t.match(unreadableOf(one!), { first: 7, through: 7, reason: /older format/ });
});
