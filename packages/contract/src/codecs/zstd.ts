import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { BATCH_MAX_BYTES, BatchUnreadableError } from './unreadable.ts';

type NativeZstd = (
  compressed: Buffer,
  options: { maxOutputLength: number },
  done: (error: Error | null, unpacked: Buffer) => void,
) => void;

/** Node has zstd from 22.15 on; until that is the oldest Node we run on, a library stands in. */
const native = (zlib as { zstdDecompress?: NativeZstd }).zstdDecompress;

/** Unpacks zstd frames. */
export const readZstd: (compressed: Buffer) => Buffer | Promise<Buffer> =
  native === undefined
    ? readZstdByLibrary
    : (compressed) => promisify(native)(compressed, { maxOutputLength: BATCH_MAX_BYTES });

/** Streams, though all of it is at hand: only so can it stop at the limit. */
export function readZstdByLibrary(compressed: Buffer): Buffer {
  const unpacked: Uint8Array[] = [];
  let unpackedBytes = 0;
  const stream = new Decompress((chunk) => {
    unpackedBytes += chunk.length;
    if (unpackedBytes > BATCH_MAX_BYTES) throw new BatchUnreadableError('zstd', 'it has more');
    // The library writes into the window it hands out, so what it gave is copied.
    unpacked.push(chunk.slice());
  });
  stream.push(compressed, true);
  return Buffer.concat(unpacked, unpackedBytes);
}
