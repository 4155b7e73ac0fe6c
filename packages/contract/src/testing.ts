export {
  CODECS,
  type Codec,
  encodeBatch,
  encodeRecords,
  type Header,
  pack,
  type RawBatch,
  type RawRecord,
} from './testing/record-batch.ts';
