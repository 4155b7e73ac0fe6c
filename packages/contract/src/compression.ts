import { promisify } from 'node:util';
import zlib from 'node:zlib';
import kafkajs, { type CompressionTypes } from 'kafkajs';
import { BatchUnreadableError } from './codecs/batch-unreadable.ts';
import { readGzip } from './codecs/gzip.ts';
import { readLz4 } from './codecs/lz4.ts';
import { readSnappy } from './codecs/snappy.ts';
import { readZstd } from './codecs/zstd.ts';

// Node finds only some of kafkajs's named exports from ES modules; the default export has them all.
const { CompressionCodecs, CompressionTypes: Types } = kafkajs;

type Read = (packed: Buffer) => Buffer | Promise<Buffer>;

/** A codec as kafkajs calls it. */
export interface Codec {
  compress(encoded: { buffer: Buffer }): Promise<Buffer>;
  decompress(packed: Buffer): Promise<Buffer>;
}

const gzip = promisify(zlib.gzip);

/**
 * Registers every codec of Kafka with kafkajs for reading, and gzip for writing. Each limits what a batch may unpack to:
 * a few hundred kilobytes can be crafted to unpack to gigabytes, and a failed batch is better than a process killed for
 * its memory. The codecs are global state of kafkajs, so calling this again changes nothing.
 */
export function registerCodecs(): void {
  register(Types.GZIP, 'gzip', readGzip, ({ buffer }) => gzip(buffer));
  register(Types.Snappy, 'snappy', readSnappy);
  register(Types.LZ4, 'lz4', readLz4);
  register(Types.ZSTD, 'zstd', readZstd);
}

function register(type: CompressionTypes, name: string, read: Read, compress?: Codec['compress']): void {
  const codec: Codec = {
    compress:
      compress ??
      (async () => {
        throw new Error(`CODEC_READ_ONLY: ${name} can be read but not written; use gzip or no compression`);
      }),
    async decompress(packed) {
      try {
        return await read(packed);
      } catch (cause) {
        throw cause instanceof BatchUnreadableError ? cause : new BatchUnreadableError(name, cause);
      }
    },
  };
  (CompressionCodecs as Record<number, () => Codec>)[type] = () => codec;
}
