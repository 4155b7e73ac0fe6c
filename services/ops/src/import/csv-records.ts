import type { Getter } from '@calltally/hooks';
import { CommandError } from '../failure.ts';
import { type Line, linesOf } from '../lines.ts';
import { csvRows, type Row, type Separator, separatorOf } from './csv-rows.ts';
import type { FileRecord } from './record.ts';

export interface CsvOptions {
  /** Default: what the first line has most of. */
  separator?: Separator | undefined;
  /** Names of the columns, where no row has them. */
  columns?: readonly string[] | undefined;
}

/** A row, and a getter for each column. */
type ValuesRecord = { values: readonly string[] };

const ROW_MAX_BYTES = 1024 * 1024;

/**
 * Reads CSV, up to its columns at first.
 * @throws CommandError FILE_WITHOUT_COLUMNS
 */
export async function csvRecords(
  chunks: AsyncIterable<Buffer>,
  { separator, columns: named }: CsvOptions,
): Promise<{ columns: readonly string[]; records: AsyncGenerator<FileRecord> }> {
  const lines = linesOf(chunks, ROW_MAX_BYTES);
  const first = await firstLine(lines);
  if (first === undefined) throw withoutColumns('it is empty');
  const text = first.tooLong ? '' : first.bytes.toString('utf8');
  const rows = csvRows(
    (async function* all() {
      yield first;
      yield* lines;
    })(),
    separator ?? separatorOf(text),
    ROW_MAX_BYTES,
  );
  if (named !== undefined) return { columns: named, records: recordsOf(rows, named.length) };

  const header = (await rows.next()).value as Row;
  if (header.rejection !== undefined) throw withoutColumns(header.rejection.message);
  const columns = header.values.map((name) => name.trim());
  return { columns, records: recordsOf(rows, columns.length) };
}

/** @returns what is wrong with a column's name, as the rest of a sentence about it */
export function getterOfColumn(columns: readonly string[], name: string): Getter | string {
  const index = columns.indexOf(name);
  if (index === -1) return `is no column; the columns are ${columns.join(', ')}`;
  if (columns.indexOf(name, index + 1) !== -1)
    return 'is the name of two columns; name them all with --columns';
  return (record) => (record as ValuesRecord).values[index];
}

async function firstLine(lines: AsyncGenerator<Line>): Promise<Line | undefined> {
  for (;;) {
    const { done, value } = await lines.next();
    if (done) return undefined;
    if (value.tooLong || value.bytes.toString('latin1').trim() !== '') return value;
  }
}

async function* recordsOf(rows: AsyncIterable<Row>, columns: number): AsyncGenerator<FileRecord> {
  for await (const { line, values, rejection } of rows) {
    if (rejection !== undefined) {
      yield { line, rejection };
    } else if (values.length !== columns) {
      const message = `the row has ${values.length} values, and there are ${columns} columns; correct the row, or the separator`;
      yield { line, rejection: { code: 'RECORD_UNREADABLE', message } };
    } else {
      yield { line, record: { values } satisfies ValuesRecord };
    }
  }
}

function withoutColumns(why: string): CommandError {
  return new CommandError(
    'FILE_WITHOUT_COLUMNS',
    `the file has no row with the names of its columns: ${why}`,
  );
}
