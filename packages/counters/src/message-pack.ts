/*
 * Just enough of MessagePack (msgpack.org) to read what Redis' `cmsgpack.pack` makes of a list of texts. A library would
 * decode them as UTF-8, and some are binary.
 */

const FIXARRAY = 0x90;
const FIXARRAY_LENGTH = 0x0f;
const FIXSTR = 0xa0;
const FIXSTR_LENGTH = 0x1f;
/** Bytes of the length, by what comes before it. */
const ARRAY_LENGTH_BYTES: Readonly<Record<number, number>> = { 220: 2, 221: 4 };
const STRING_LENGTH_BYTES: Readonly<Record<number, number>> = { 217: 1, 218: 2, 219: 4 };

/** The texts of a list, as views of the same memory. @throws RangeError if it is not whole */
export function unpackStrings(packed: Buffer): Buffer[] {
  let at = 0;
  const lengthOf = (fixed: number, mask: number, bytesOf: Readonly<Record<number, number>>): number => {
    const kind = packed[at++]!;
    if ((kind & ~mask) === fixed) return kind & mask;
    const bytes = bytesOf[kind];
    if (bytes === undefined) throw new RangeError(`no list of texts: ${kind} at byte ${at - 1}`);
    at += bytes;
    return packed.readUIntBE(at - bytes, bytes);
  };
  const strings = new Array<Buffer>(lengthOf(FIXARRAY, FIXARRAY_LENGTH, ARRAY_LENGTH_BYTES));
  for (let i = 0; i < strings.length; i++) {
    const length = lengthOf(FIXSTR, FIXSTR_LENGTH, STRING_LENGTH_BYTES);
    if (at + length > packed.length) throw new RangeError('the list is cut off');
    strings[i] = packed.subarray(at, at + length);
    at += length;
  }
  return strings;
}
