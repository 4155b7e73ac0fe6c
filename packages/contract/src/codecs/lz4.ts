import { decompressFrame } from 'lz4-napi';
import { BATCH_MAX_BYTES, BatchUnreadableError } from './batch-unreadable.ts';

const FRAME_MAGIC = 0x184d2204;
const STORED_BLOCK = 0x80000000;

/** Unpacks an LZ4 frame, the format that Kafka uses. */
export async function readLz4(compressed: Buffer): Promise<Buffer> {
  const most = unpackedBytesMost(compressed);
  if (most > BATCH_MAX_BYTES) throw new BatchUnreadableError('lz4', `its blocks may unpack to ${most}`);
  return decompressFrame(compressed);
}

/**
 * An upper bound of what a frame unpacks to, from its headers alone, because the library has no limit: every block unpacks
 * to at most the frame's block size, and to at most 255 times its own size.
 */
function unpackedBytesMost(frame: Buffer): number {
  if (frame.length < 7 || frame.readUInt32LE(0) !== FRAME_MAGIC) {
    throw new BatchUnreadableError('lz4', 'it does not start with an LZ4 frame');
  }
  const flags = frame[4]!;
  const blockMaxBytes = 2 ** (8 + 2 * ((frame[5]! >> 4) & 7));
  const blockChecksumBytes = flags & 0x10 ? 4 : 0;
  const contentSizeBytes = flags & 0x08 ? 8 : 0;
  const dictionaryIdBytes = flags & 0x01 ? 4 : 0;
  let at = 7 + contentSizeBytes + dictionaryIdBytes;
  let most = 0;
  while (at + 4 <= frame.length) {
    const word = frame.readUInt32LE(at);
    if (word === 0) break;
    const bytes = word & ~STORED_BLOCK;
    most += word >= STORED_BLOCK ? bytes : Math.min(blockMaxBytes, bytes * 255);
    at += 4 + bytes + blockChecksumBytes;
  }
  return most;
}
