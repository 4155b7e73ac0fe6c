import kafkajs from 'kafkajs';
import { BatchUnreadableError } from '../codecs/unreadable.ts';
import type { Codec } from '../compression.ts';
import { type PlainRecord, RecordReader } from './record-reader.ts';
import { markUnreadable } from './unreadable.ts';

/** A record as kafkajs hands it on to `eachBatch`, with what it decides by before it does. */
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
  /** Not handed on: it only says that there is nothing to be read through its offset. */
  isControlRecord: boolean;
  batchContext: { producerId: string; inTransaction: boolean };
}

/** Decodes one entry of message format 0 or 1, which brokers up to Kafka 3 may still hold. */
export type LegacyDecoder = (entry: Buffer) => Promise<unknown[]>;

// Places in the header of a batch of format 2: https://kafka.apache.org/documentation/#recordbatch
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const BASE_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const COUNT_AT = 57;
const RECORDS_AT = 61;
/** What `length` does not count: the base offset and itself. */
const UNCOUNTED_BYTES = 12;

/** Of batches; entries of those before are left to kafkajs. */
const FORMAT = 2;
const CODEC_MASK = 0x07;
/**
 * What is unpacked of one answer, beyond which the rest is left for the next one: a megabyte may hold many batches that
 * each unpack to as much as a batch may. One batch is always unpacked.
 */
const ANSWER_MAX_BYTES = 16 * 1024 * 1024;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/**
 * Decodes what a broker holds of a partition: record batches one behind the other, the last one perhaps cut off. Never
 * throws: what cannot be read becomes a record without key and value that {@link unreadableOf} explains, so that it
 * keeps nothing behind it from being read. Offsets that hold no record (compacted, or control records) end in a control
 * record, so that whoever reads goes on behind them.
 *
 * Where one batch does not follow another as brokers write them, nothing says what lies there, and it ends: the broker
 * does not find its way in such a log either, and tells so when it is asked for the next offset.
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
    // Formats only get newer: an entry of an older one behind a batch is none.
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

/** The base offset of the batch that begins there; undefined where none does. */
function offsetAt(buffer: Buffer, at: number): number | undefined {
  return at + LENGTH_AT <= buffer.length ? Number(buffer.readBigInt64BE(at)) : undefined;
}

/** The header of a batch, and its bytes. */
class RecordBatch {
  readonly bytes: Buffer;
  readonly attributes: number;
  readonly base: number;
  readonly last: number;
  /** Offset that the batch behind it begins with; infinite where that is not known. */
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

  /** Not a record, but what stands for offsets that have none. */
  placeholder(offset: number, isControlRecord: boolean): FetchedRecord {
    const { maxTimestamp, context } = this;
    return { ...nothingAt(offset), timestamp: String(maxTimestamp), isControlRecord, batchContext: context };
  }
}

/** Stands for offsets through `offset` that have no record; not aborted by anybody. */
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
    // It has more than it says, and the batch behind it leaves room for that.
    if (!reader.isAtEnd && next > last + 1 && next < Number.POSITIVE_INFINITY) {
      records.push(...unreadable(batch, 'it holds more records than it says', last + 1, next - 1));
    }
    return payload.length;
  }
  // Compacted. Not in the name of its producer, of whom a control record would end the transaction.
  if (reader.isAtEnd && !isLost) records.push({ ...nothingAt(last), isControlRecord: true });
  else records.push(...unreadable(batch, 'its records end in the middle of one', read + 1));
  return payload.length;
}

/** @throws BatchUnreadableError */
async function unpack(codec: number, packed: Buffer): Promise<Buffer> {
  if (codec === kafkajs.CompressionTypes.None) return packed;
  const codecs = kafkajs.CompressionCodecs as Record<number, () => Codec>;
  const known = codecs[codec]?.();
  if (known === undefined) throw new BatchUnreadableError(`codec ${codec}`, 'nobody knows it');
  return known.decompress(packed);
}

/** Nothing for a batch of control records: nobody waits for what they say. */
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
    // kafkajs passes over an entry that is cut off.
    if (messages.length === 0) throw new Error('it is not whole');
    for (const message of messages) {
      records.push({ ...nothingAt(offset), ...(message as Partial<FetchedRecord>) });
    }
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const span = { first: offset, through: offset, reason, bytes: entry };
    records.push(markUnreadable(nothingAt(offset), span));
  }
}
