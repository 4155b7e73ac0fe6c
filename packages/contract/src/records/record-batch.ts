import kafkajs from 'kafkajs';
import { BatchUnreadableError } from '../codecs/unreadable.ts';
import type { Codec } from '../codecs.ts';
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

const CODEC_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/**
 * Decodes what a broker holds of a partition: record batches one behind the other, the last one perhaps cut off. Never
 * throws: what cannot be read becomes a record without key and value that {@link unreadableOf} explains, so that it
 * keeps nothing behind it from being read. Offsets that hold no record (compacted, or control records) end in a control
 * record, so that whoever reads goes on behind them.
 */
export async function decodeRecords(buffer: Buffer, legacy: LegacyDecoder): Promise<FetchedRecord[]> {
  const records: FetchedRecord[] = [];
  for (let at = 0; at + MAGIC_AT < buffer.length; ) {
    const end = at + UNCOUNTED_BYTES + buffer.readInt32BE(at + LENGTH_AT);
    const isWhole = end <= buffer.length && end > at + MAGIC_AT;
    // Brokers cut off the last batch of an answer, but never the first one: such a length is a lie.
    if (!isWhole && at > 0) break;
    const bytes = isWhole ? buffer.subarray(at, end) : buffer.subarray(at);
    if (bytes[MAGIC_AT] !== 2) await addLegacy(records, bytes, legacy);
    else if (isWhole && bytes.length >= RECORDS_AT) await addBatch(records, new RecordBatch(bytes));
    else records.push(...unreadable(new RecordBatch(bytes), 'its length is wrong'));
    at += bytes.length;
  }
  return records;
}

/** The header of a batch. */
class RecordBatch {
  readonly bytes: Buffer;
  readonly attributes: number;
  readonly base: number;
  readonly last: number;
  readonly context: FetchedRecord['batchContext'];

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    // One that is too short for its header has zeros for what is missing.
    const header = Buffer.concat([bytes.subarray(0, RECORDS_AT), Buffer.alloc(RECORDS_AT)]);
    this.attributes = header.readInt16BE(ATTRIBUTES_AT);
    this.base = Number(header.readBigInt64BE(0));
    this.last = this.base + Math.max(0, header.readInt32BE(LAST_OFFSET_DELTA_AT));
    this.context = {
      producerId: String(header.readBigInt64BE(PRODUCER_ID_AT)),
      inTransaction: (this.attributes & TRANSACTIONAL) !== 0,
    };
  }

  /** Not a record, but what stands for offsets that have none. */
  placeholder(offset: number, isControlRecord: boolean): FetchedRecord {
    return {
      magicByte: 2,
      attributes: 0,
      timestamp: String(this.maxTimestamp),
      offset: String(offset),
      key: null,
      value: null,
      headers: Object.create(null),
      isControlRecord,
      batchContext: this.context,
    };
  }

  get maxTimestamp(): number {
    return this.bytes.length < RECORDS_AT ? -1 : Number(this.bytes.readBigInt64BE(MAX_TIMESTAMP_AT));
  }
}

async function addBatch(records: FetchedRecord[], batch: RecordBatch): Promise<void> {
  const { bytes, attributes, base, last, context, maxTimestamp } = batch;
  let payload: Buffer;
  try {
    payload = await unpack(attributes & CODEC_MASK, bytes.subarray(RECORDS_AT));
  } catch (thrown) {
    records.push(...unreadable(batch, thrown instanceof Error ? thrown.message : String(thrown)));
    return;
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
      magicByte: 2,
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
  if (read === last) return;
  if (reader.isAtEnd && !isLost) records.push(batch.placeholder(last, true));
  else records.push(...unreadable(batch, 'its records end in the middle of one', read + 1));
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
  const batch = new RecordBatch(entry.subarray(0, LENGTH_AT));
  try {
    for (const record of await legacy(entry)) {
      records.push({ ...(record as FetchedRecord), isControlRecord: false, batchContext: batch.context });
    }
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const { base: first } = batch;
    records.push(
      markUnreadable(batch.placeholder(first, false), { first, through: first, reason, bytes: entry }),
    );
  }
}
