import zlib from 'node:zlib';
import { compressFrame } from 'lz4-napi';
import snappy from 'snappy';

export type Header = [name: string | Buffer, value: Buffer | null];

export interface RawRecord {
  key?: Buffer | null;
  value: Buffer | null;
  headers?: readonly Header[];
  timestampDelta?: number;
}

export type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
export const CODECS: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

export interface RawBatch {
  records: readonly RawRecord[];
  codec?: Codec;
  timestamp?: number;
  /** Damages the packed records before the checksum is computed. */
  spoil?: (packed: Buffer) => Buffer;
}

/** Encodes a record batch of format 2 with a valid checksum. Nothing else is checked, so it can be malformed. */
export async function encodeBatch({ records, codec = 'none', timestamp = Date.now(), spoil }: RawBatch) {
  const packed = await pack(codec, encodeRecords(records));
  const body = spoil ? spoil(packed) : packed;
  const sealed = Buffer.alloc(40);
  sealed.writeInt16BE(CODECS.indexOf(codec), 0);
  sealed.writeInt32BE(records.length - 1, 2);
  sealed.writeBigInt64BE(BigInt(timestamp), 6);
  sealed.writeBigInt64BE(BigInt(timestamp), 14);
  sealed.writeBigInt64BE(-1n, 22); // producer id
  sealed.writeInt16BE(-1, 30);
  sealed.writeInt32BE(-1, 32);
  sealed.writeInt32BE(records.length, 36);
  const rest = Buffer.concat([sealed, body]);
  const head = Buffer.alloc(21);
  head.writeInt32BE(head.length - 12 + rest.length, 8);
  head.writeInt32BE(-1, 12);
  head.writeInt8(2, 16);
  head.writeUInt32BE(crc32c(rest), 17);
  return Buffer.concat([head, rest]);
}

/** Encodes records without compression. */
export function encodeRecords(records: readonly RawRecord[]): Buffer {
  return Buffer.concat(records.map((record, i) => encodeRecord(record, i)));
}

export async function pack(codec: Codec, plain: Buffer): Promise<Buffer> {
  switch (codec) {
    case 'none':
      return plain;
    case 'gzip':
      return zlib.gzipSync(plain);
    case 'snappy':
      return snappy.compressSync(plain);
    case 'lz4':
      return compressFrame(plain);
    case 'zstd':
      return zstdStored(plain);
  }
}

/** A zstd frame of raw blocks, and run-length blocks where one byte repeats. */
function zstdStored(plain: Buffer): Buffer {
  const BLOCK_BYTES = 128 * 1024;
  const parts: Buffer[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50])];
  for (let at = 0; at === 0 || at < plain.length; at += BLOCK_BYTES) {
    const block = plain.subarray(at, at + BLOCK_BYTES);
    const isLast = at + BLOCK_BYTES >= plain.length ? 1 : 0;
    const isRun = block.length > 1 && block.every((byte) => byte === block[0]);
    const head = Buffer.alloc(3);
    head.writeUIntLE((block.length << 3) | (isRun ? 2 : 0) | isLast, 0, 3);
    parts.push(head, isRun ? block.subarray(0, 1) : block);
  }
  return Buffer.concat(parts);
}

function encodeRecord(
  { key = null, value, headers = [], timestampDelta = 0 }: RawRecord,
  offsetDelta: number,
) {
  const body = Buffer.concat([
    Buffer.from([0]),
    varint(timestampDelta),
    varint(offsetDelta),
    bytes(key),
    bytes(value),
    varint(headers.length),
    ...headers.flatMap(([name, one]) => [bytes(Buffer.from(name)), bytes(one)]),
  ]);
  return Buffer.concat([varint(body.length), body]);
}

function bytes(value: Buffer | null): Buffer {
  return value === null ? varint(-1) : Buffer.concat([varint(value.length), value]);
}

/** A zigzag varint. */
function varint(value: number): Buffer {
  let left = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  const out: number[] = [];
  do {
    const byte = Number(left & 0x7fn);
    left >>= 7n;
    out.push(left > 0n ? byte | 0x80 : byte);
  } while (left > 0n);
  return Buffer.from(out);
}

const TABLE = Array.from({ length: 256 }, (_, index) => {
  let crc = index;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc >>> 0;
});

function crc32c(data: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}
