import { compileMapping, type GetterOf, getterOfJson, MAPPED_FIELDS, type Mapping } from '@calltally/hooks';
import { checkedItem, type EventItem, eventItems } from '../event-items.ts';
import { CommandError } from '../failure.ts';
import { mappingInvalid } from '../mapping-options.ts';
import { type CsvOptions, csvRecords, getterOfColumn } from './csv-records.ts';
import { jsonRecords } from './json-records.ts';
import type { FileRecord } from './record.ts';

export interface ImportOptions extends CsvOptions {
  format: 'csv' | 'ndjson';
  /** Default: columns that have a field's name; of NDJSON, lines are call events. */
  mapping?: Mapping | undefined;
  /** Whose calls they are, where records do not tell. */
  user?: string | undefined;
}

/** A record that is not read yet, so that records which were imported before cost little. */
export type Pending = () => EventItem;

/**
 * Reads a file's records, in their order.
 * @throws CommandError MAPPING_INVALID, FILE_WITHOUT_COLUMNS
 */
export async function importItems(
  chunks: AsyncIterable<Buffer>,
  options: ImportOptions,
): Promise<AsyncIterable<Pending>> {
  const { format, mapping, user } = options;
  if (format === 'ndjson') {
    if (mapping !== undefined) return mapped(jsonRecords(chunks), mapping, user, getterOfJson);
    if (user !== undefined)
      throw mappingInvalid('lines without --map are call events, which name their user; leave --user out');
    return ready(eventItems(chunks));
  }
  const { columns, records } = await csvRecords(chunks, options);
  const fields = Object.fromEntries(
    MAPPED_FIELDS.filter((name) => columns.includes(name)).map((name) => [name, name]),
  );
  return mapped(records, mapping ?? { fields }, user, (name) => getterOfColumn(columns, name));
}

/** Of a name such as `calls.csv.gz`; undefined if it does not tell. */
export function formatOf(file: string): ImportOptions['format'] | undefined {
  const [, ending] = /\.(csv|tsv|ndjson|jsonl)(?:\.gz)?$/i.exec(file) ?? [];
  if (ending === undefined) return undefined;
  return /^[ct]sv$/i.test(ending) ? 'csv' : 'ndjson';
}

function mapped(
  records: AsyncIterable<FileRecord>,
  mapping: Mapping,
  user: string | undefined,
  getterOf: GetterOf,
): AsyncIterable<Pending> {
  if ((user === undefined) === (mapping.fields.user_id === undefined)) {
    const why = user === undefined ? 'user_id is not mapped' : 'user_id is mapped, and there is --user';
    throw mappingInvalid(`${why}; write --map user_id=… if the file names users, else --user`);
  }
  const fields = user === undefined ? mapping.fields : { ...mapping.fields, user_id: `=${user}` };
  const compiled = compileMapping({ ...mapping, fields }, getterOf);
  if ('fault' in compiled) throw mappingInvalid(compiled.fault);
  const read = ({ line, record, rejection }: FileRecord): EventItem => {
    if (rejection !== undefined) return { line, rejection };
    const one = compiled.read(record);
    return one.rejection === undefined ? checkedItem(line, one.event) : { line, rejection: one.rejection };
  };
  return pending(records, read);
}

function ready(items: AsyncIterable<EventItem>): AsyncIterable<Pending> {
  return pending(items, (item) => item);
}

async function* pending<T>(all: AsyncIterable<T>, read: (one: T) => EventItem): AsyncGenerator<Pending> {
  for await (const one of all) yield () => read(one);
}

/** @throws CommandError FORMAT_UNKNOWN */
export function requireFormat(
  file: string,
  format: ImportOptions['format'] | undefined,
): ImportOptions['format'] {
  const known = format ?? formatOf(file);
  if (known !== undefined) return known;
  throw new CommandError(
    'FORMAT_UNKNOWN',
    `the name ${file} does not tell the format; write --format csv or --format ndjson`,
  );
}
