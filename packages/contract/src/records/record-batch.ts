import kafkajs from 'kafkajs';
import { BatchUnreadableError } from '../codecs/batch-unreadable.ts';
import type { Codec } from '../compression.ts';
import { type PlainRecord, RecordReader } from './record-reader.ts';
import { markUnreadable } from './unreadable.ts';

/** A record as kafkajs passes it to `eachBatch`, with the fields that kafkajs itself reads. */
export interface FetchedRecord {
  magicByte: number;
  attributes: number;
  /** Epoch ms, a decimal string. */
  timestamp: string;
  /** A decimal string. */
  offset: string;
  key: Buffer | null;
  value: Buffer | null;
  headers: PlainRecord['headers'];
  /** kafkajs does not pass it on; it only advances past its offset. */
  isControlRecord: boolean;
  batchContext: { producerId: string; inTransaction: boolean };
}

/** Decodes an entry of message format 0 or 1, which brokers up to Kafka 3 may still store. */
export type LegacyDecoder = (entry: Buffer) => Promise<unknown[]>;

// Positions in the header of a batch of format 2: https://kafka.apache.org/documentation/#recordbatch
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const BASE_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const COUNT_AT = 57;
const RECORDS_AT = 61;
/** `length` excludes the base offset and itself. */
const UNCOUNTED_BYTES = 12;

/** Format of record batches. kafkajs decodes older formats. */
const FORMAT = 2;
const CODEC_MASK = 0x07;
/**
 * Stop unpacking a fetch response beyond this; the rest is fetched again. Each of the many batches in a megabyte may unpack
 * to the most that a batch may. At least one batch is always unpacked.
 */
const ANSWER_MAX_BYTES = 16 * 1024 * 1024;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/**
 * Decodes a partition's part of a fetch response: record batches in order, the last one possibly cut off. Never throws: what
 * cannot be decoded becomes a record without key and value that {@link unreadableOf} explains, so that the records behind
 * it are still read. Empty offsets (compacted, or control records) end in a control record, which moves the consumer past
 * them.
 *
 * Stops where the bytes do not continue with a valid batch: nothing says what lies there. The broker cannot read such a log
 * either, and returns an error for the next offset.
 */
export async function decodeRecords(buffer: Buffer, legacy: LegacyDecoder): Promise<FetchedRecord[]> {
  const records: FetchedRecord[] = [];
  let read = -1;
  let oldest = 0;
  let unpackedBytes = 0;
  for (let at = 0; at + MAGIC_AT < buffer.length && unpackedBytes <= ANSWER_MAX_BYTES; ) {
    const end = at + UNCOUNTED_BYTES + buffer.readInt32BE(at + LENGTH_AT);
    const magic = buffer.readInt8(at + MAGIC_AT);
    const base = Number(buffer.readBigInt64BE(at));
    const shortest = at + (magic === FORMAT ? RECORDS_AT : MAGIC_AT + 1);
    // Formats never go back: an older entry behind a batch is garbage.
    if (end > buffer.length || end < shortest || base <= read || magic < oldest || magic > FORMAT) break;
    const bytes = buffer.subarray(at, end);
    if (magic === FORMAT)
      unpackedBytes += await addBatch(records, new RecordBatch(bytes, offsetAt(buffer, end)));
    else await addLegacy(records, bytes, legacy);
    read = Math.max(base, Number(records.at(-1)!.offset));
    oldest = magic;
    at = end;
  }
  return records;
}

/** The base offset of the batch that starts at `at`; undefined if there is none. */
function offsetAt(buffer: Buffer, at: number): number | undefined {
  return at + LENGTH_AT <= buffer.length ? Number(buffer.readBigInt64BE(at)) : undefined;
}

/** A batch: its header fields and its bytes. */
class RecordBatch {
  readonly bytes: Buffer;
  readonly attributes: number;
  readonly base: number;
  readonly last: number;
  /** First offset of the next batch; infinite if unknown. */
  readonly next: number;
  readonly maxTimestamp: number;
  readonly context: FetchedRecord['batchContext'];

  constructor(bytes: Buffer, next = Number.POSITIVE_INFINITY) {
    this.bytes = bytes;
    this.attributes = bytes.readInt16BE(ATTRIBUTES_AT);
    this.base = Number(bytes.readBigInt64BE(0));
    const last = this.base + Math.max(0, bytes.readInt32BE(LAST_OFFSET_DELTA_AT));
    this.next = next > this.base ? next : Number.POSITIVE_INFINITY;
    this.last = Math.min(last, this.next - 1);
    this.maxTimestamp = Number(bytes.readBigInt64BE(MAX_TIMESTAMP_AT));
    this.context = {
      producerId: String(bytes.readBigInt64BE(PRODUCER_ID_AT)),
      inTransaction: (this.attributes & TRANSACTIONAL) !== 0,
    };
  }

  /** Stands for offsets without a record. */
  placeholder(offset: number, isControlRecord: boolean): FetchedRecord {
    const { maxTimestamp, context } = this;
    return { ...nothingAt(offset), timestamp: String(maxTimestamp), isControlRecord, batchContext: context };
  }
}

/** Stands for offsets through `offset` without a record. Belongs to no producer, so no abort applies to it. */
function nothingAt(offset: number): FetchedRecord {
  return {
    magicByte: FORMAT,
    attributes: 0,
    timestamp: '-1',
    offset: String(offset),
    key: null,
    value: null,
    headers: Object.create(null),
    isControlRecord: false,
    batchContext: { producerId: '-1', inTransaction: false },
  };
}

/** @returns how many bytes were unpacked */
async function addBatch(records: FetchedRecord[], batch: RecordBatch): Promise<number> {
  const { bytes, attributes, base, last, next, context, maxTimestamp } = batch;
  let payload: Buffer;
  try {
    payload = await unpack(attributes & CODEC_MASK, bytes.subarray(RECORDS_AT));
  } catch (thrown) {
    records.push(...unreadable(batch, thrown instanceof Error ? thrown.message : String(thrown)));
    return 0;
  }
  const baseTimestamp = Number(bytes.readBigInt64BE(BASE_TIMESTAMP_AT));
  const isControlRecord = (attributes & CONTROL) !== 0;
  const reader = new RecordReader(payload);
  let read = base - 1;
  let isLost = false;
  for (let left = bytes.readInt32BE(COUNT_AT); left > 0 && read < last; left--) {
    const record = reader.next();
    if (record === 'lost') {
      isLost = true;
      break;
    }
    const offset = record === 'broken' ? read + 1 : base + record.offsetDelta;
    if (record === 'broken' || offset <= read || offset > last) {
      read++;
      records.push(...unreadable(batch, 'the record cannot be read', read, read));
      continue;
    }
    read = offset;
    records.push({
      magicByte: FORMAT,
      attributes: 0,
      timestamp: String(attributes & LOG_APPEND_TIME ? maxTimestamp : baseTimestamp + record.timestampDelta),
      offset: String(offset),
      key: record.key,
      value: record.value,
      headers: record.headers,
      isControlRecord,
      batchContext: context,
    });
  }
  if (read === last) {
    // It holds more records than it declares, and the next batch leaves offsets for them.
    if (!reader.isAtEnd && next > last + 1 && next < Number.POSITIVE_INFINITY) {
      records.push(...unreadable(batch, 'it holds more records than it declares', last + 1, next - 1));
    }
    return payload.length;
  }
  // Compacted. Without the producer's id, because a control record would end its transaction.
  if (reader.isAtEnd && !isLost) records.push({ ...nothingAt(last), isControlRecord: true });
  else records.push(...unreadable(batch, 'it ends in the middle of a record', read + 1));
  return payload.length;
}

/** @throws BatchUnreadableError */
async function unpack(codec: number, packed: Buffer): Promise<Buffer> {
  if (codec === kafkajs.CompressionTypes.None) return packed;
  const codecs = kafkajs.CompressionCodecs as Record<number, () => Codec>;
  const known = codecs[codec]?.();
  if (known === undefined) throw new BatchUnreadableError(`codec ${codec}`, 'the codec is unknown');
  return known.decompress(packed);
}

/** Control records are skipped, since they hold no event. */
function unreadable(
  batch: RecordBatch,
  reason: string,
  first = batch.base,
  through = batch.last,
): FetchedRecord[] {
  const { bytes, attributes } = batch;
  if (attributes & CONTROL) return [batch.placeholder(through, true)];
  return [markUnreadable(batch.placeholder(through, false), { first, through, reason, bytes })];
}

async function addLegacy(records: FetchedRecord[], entry: Buffer, legacy: LegacyDecoder): Promise<void> {
  const offset = Number(entry.readBigInt64BE(0));
  try {
    const messages = await legacy(entry);
    // kafkajs skips a truncated entry.
    if (messages.length === 0) throw new Error('it is truncated');
    for (const message of messages) {
      records.push({ ...nothingAt(offset), ...(message as Partial<FetchedRecord>) });
    }
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const span = { first: offset, through: offset, reason, bytes: entry };
    records.push(markUnreadable(nothingAt(offset), span));
  }
}
