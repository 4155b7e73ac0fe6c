import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { BATCH_MAX_BYTES } from './batch-unreadable.ts';

const gunzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip);
/** Header of a member without optional parts, which producers do not write. */
const HEADER_BYTES = 10;
const FLAGS_AT = 3;
const TRAILER_BYTES = 8;
const LIMIT = { maxOutputLength: BATCH_MAX_BYTES };

/** Unpacks gzip members. Bytes after the first member that are not another one are ignored, as Kafka's brokers do. */
export async function readGzip(packed: Buffer): Promise<Buffer> {
  try {
    return await gunzip(packed, LIMIT);
  } catch (cause) {
    const bytes = firstMemberBytes(packed);
    if (bytes === undefined || bytes === packed.length) throw cause;
    return gunzip(packed.subarray(0, bytes), LIMIT);
  }
}

function firstMemberBytes(packed: Buffer): number | undefined {
  if (packed[FLAGS_AT] !== 0) return undefined;
  try {
    const raw = zlib.inflateRawSync(packed.subarray(HEADER_BYTES), { ...LIMIT, info: true });
    const { engine } = raw as unknown as { engine: { bytesWritten: number } };
    return HEADER_BYTES + engine.bytesWritten + TRAILER_BYTES;
  } catch {
    return undefined;
  }
}
