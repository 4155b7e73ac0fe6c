import { promisify } from 'node:util';
import zlib from 'node:zlib';
import kafkajs, { type CompressionTypes } from 'kafkajs';
import { readGzip } from './codecs/gzip.ts';
import { readLz4 } from './codecs/lz4.ts';
import { readSnappy } from './codecs/snappy.ts';
import { BATCH_MAX_BYTES, BatchUnreadableError } from './codecs/unreadable.ts';
import { readZstd } from './codecs/zstd.ts';

// Node finds only some of kafkajs's names from ES modules; all are there on the whole.
const { CompressionCodecs, CompressionTypes: Types } = kafkajs;

/** What kafkajs hands a codec to compress. */
interface Encoded {
  buffer: Buffer;
}

export interface Codec {
  compress(encoded: Encoded): Promise<Buffer>;
  decompress(compressed: Buffer): Promise<Buffer>;
}

const gzip = promisify(zlib.gzip);

/**
 * Teaches kafkajs every codec of Kafka, for reading; gzip for writing too. No batch may grow beyond
 * {@link BATCH_MAX_BYTES}: a few hundred kilobytes can be made to unpack to gigabytes, and a process
 * that says so beats one that is killed for its memory. The codecs are kafkajs's global state, so
 * this may be called any number of times.
 */
export function registerCodecs(): void {
  register(Types.GZIP, {
    compress: ({ buffer }) => gzip(buffer),
    decompress: (packed) =>
      readGzip(packed).catch((cause: unknown) => {
        throw new BatchUnreadableError('gzip', cause);
      }),
  });
  register(Types.Snappy, readOnly('snappy', readSnappy));
  register(Types.LZ4, readOnly('lz4', readLz4));
  register(Types.ZSTD, readOnly('zstd', readZstd));
}

function register(type: CompressionTypes, codec: Codec): void {
  (CompressionCodecs as Record<number, () => Codec>)[type] = () => codec;
}

function readOnly(name: string, read: (compressed: Buffer) => Buffer | Promise<Buffer>): Codec {
  return {
    async compress() {
      throw new Error(
        `CODEC_READ_ONLY: ${name} is read but not written here; compress with gzip or not at all`,
      );
    },
    async decompress(compressed) {
      try {
        return await read(compressed);
      } catch (cause) {
        throw cause instanceof BatchUnreadableError ? cause : new BatchUnreadableError(name, cause);
      }
    },
  };
}
