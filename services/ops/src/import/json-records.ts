import { parseJsonBytes } from '@calltally/hooks';
import { isBlank } from '../event-items.ts';
import { linesOf } from '../lines.ts';
import type { FileRecord } from './record.ts';

/** Records of other systems may hold whole transcripts. */
const LINE_MAX_BYTES = 1024 * 1024;

/** Reads NDJSON of any objects. Skips blank lines. */
export async function* jsonRecords(chunks: AsyncIterable<Buffer>): AsyncGenerator<FileRecord> {
  for await (const line of linesOf(chunks, LINE_MAX_BYTES)) {
    if (line.tooLong) {
      const message = `the line has more than ${LINE_MAX_BYTES} bytes; leave out what is not needed`;
      yield { line: line.number, rejection: { code: 'EVENT_TOO_LARGE', message } };
    } else if (!isBlank(line.bytes)) {
      const record = parseJsonBytes(line.bytes);
      const message = 'the line is not JSON in UTF-8; write one JSON object a line';
      yield record === undefined
        ? { line: line.number, rejection: { code: 'EVENT_NOT_JSON', message } }
        : { line: line.number, record };
    }
  }
}
