import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { BATCH_MAX_BYTES, BatchUnreadableError } from './batch-unreadable.ts';

type NativeZstd = (
  compressed: Buffer,
  options: { maxOutputLength: number },
  done: (error: Error | null, unpacked: Buffer) => void,
) => void;

/** Node has zstd since 22.15; older versions use a library. */
const native = (zlib as { zstdDecompress?: NativeZstd }).zstdDecompress;

/** Unpacks zstd frames. */
export const readZstd: (compressed: Buffer) => Buffer | Promise<Buffer> =
  native === undefined
    ? readZstdByLibrary
    : (compressed) => promisify(native)(compressed, { maxOutputLength: BATCH_MAX_BYTES });

/** Streams although the whole batch is there, because only a stream can stop at the limit. */
export function readZstdByLibrary(compressed: Buffer): Buffer {
  const unpacked: Uint8Array[] = [];
  let unpackedBytes = 0;
  const stream = new Decompress((chunk) => {
    unpackedBytes += chunk.length;
    if (unpackedBytes > BATCH_MAX_BYTES) throw new BatchUnreadableError('zstd', 'it unpacks to more');
    // A copy, because the library reuses the memory of the chunk.
    unpacked.push(chunk.slice());
  });
  stream.push(compressed, true);
  return Buffer.concat(unpacked, unpackedBytes);
}
