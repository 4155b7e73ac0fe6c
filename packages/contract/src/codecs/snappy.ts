import { uncompress } from 'snappy';
import { BATCH_MAX_BYTES, BatchUnreadableError } from './batch-unreadable.ts';

/** Framing of Java clients: a header of 16 bytes, then blocks of 32 KiB, each preceded by its length. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;
const LENGTH_BYTES = 4;

/** Unpacks snappy as written by Java (xerial framing) and librdkafka (one raw block). */
export async function readSnappy(compressed: Buffer): Promise<Buffer> {
  const blocks = compressed.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)
    ? xerialBlocks(compressed)
    : [compressed];
  let unpackedBytes = 0;
  for (const block of blocks) unpackedBytes += unpackedLength(block);
  if (unpackedBytes > BATCH_MAX_BYTES) {
    throw new BatchUnreadableError('snappy', `it declares ${unpackedBytes}`);
  }
  const unpacked: Buffer[] = [];
  for (const block of blocks) unpacked.push((await uncompress(block, { asBuffer: true })) as Buffer);
  return unpacked.length === 1 ? unpacked[0]! : Buffer.concat(unpacked, unpackedBytes);
}

function xerialBlocks(compressed: Buffer): Buffer[] {
  const blocks: Buffer[] = [];
  let at = XERIAL_HEADER_BYTES;
  while (at + LENGTH_BYTES <= compressed.length) {
    const end = at + LENGTH_BYTES + compressed.readUInt32BE(at);
    if (end > compressed.length) throw new BatchUnreadableError('snappy', 'a block ends outside the batch');
    blocks.push(compressed.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  return blocks;
}

/** A block starts with its unpacked length as a varint. */
function unpackedLength(block: Buffer): number {
  let length = 0;
  for (let index = 0; index < 5; index++) {
    const byte = block[index];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return length;
  }
  throw new BatchUnreadableError('snappy', 'a block has no length');
}
