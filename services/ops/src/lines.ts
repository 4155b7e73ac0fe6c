/** A line without its line end. A line that is `tooLong` has no text. */
export type Line = { number: number; bytes: Buffer; tooLong: false } | { number: number; tooLong: true };

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Splits a stream of bytes into lines, numbered from 1, without a byte order mark at its beginning. Never holds more
 * than one chunk and one line of `maxBytes`, which is why it is not `readline`.
 */
export async function* linesOf(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Line> {
  let number = 0;
  let held: Buffer[] = [];
  let heldBytes = 0;

  const hold = (part: Buffer) => {
    heldBytes += part.length;
    if (heldBytes > maxBytes + BYTE_ORDER_MARK.length + 1) held = [];
    else held.push(part);
  };
  const take = (): Line => {
    number++;
    let bytes = Buffer.concat(held);
    const complete = bytes.length === heldBytes;
    held = [];
    heldBytes = 0;
    if (!complete) return { number, tooLong: true };
    if (number === 1 && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK)) bytes = bytes.subarray(3);
    if (bytes.at(-1) === CARRIAGE_RETURN) bytes = bytes.subarray(0, -1);
    return bytes.length > maxBytes ? { number, tooLong: true } : { number, bytes, tooLong: false };
  };

  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
      hold(chunk.subarray(from, end));
      from = end + 1;
      yield take();
    }
    if (from < chunk.length) hold(chunk.subarray(from));
  }
  if (heldBytes > 0) yield take();
}
