import { isUtf8 } from 'node:buffer';
import type { Rejection } from '@calltally/contract';
import type { Line } from '../lines.ts';

/** A row, and the line on which it begins; or why there is none in this line. */
export type Row =
  | { line: number; values: string[]; rejection?: never }
  | { line: number; rejection: Rejection; values?: never };

export type Separator = ',' | ';' | '\t' | '|';

/** A value up to its separator. Two quotes stand for one; spaces around a quoted value are none of it. */
const VALUE_BY_SEPARATOR: Record<Separator, RegExp> = {
  ',': valueUntil(','),
  ';': valueUntil(';'),
  '\t': valueUntil('\\t'),
  '|': valueUntil('\\|'),
};

function valueUntil(separator: string): RegExp {
  return new RegExp(` *"([^"]*(?:""[^"]*)*)" *(${separator}|$)|([^"${separator}]*)(${separator}|$)`, 'y');
}

/**
 * Reads lines as CSV (RFC 4180). A quoted value may go on over several lines. If it has no end within `maxBytes`, or what
 * it spans is no row, its first line alone is refused and the next one begins a row: no line is lost without a word.
 */
export async function* csvRows(
  lines: AsyncIterable<Line>,
  separator: Separator,
  maxBytes: number,
): AsyncGenerator<Row> {
  const source = lines[Symbol.asyncIterator]();
  /** Lines that are read once more, the next one last. */
  const waiting: Line[] = [];
  const next = async (): Promise<Line | undefined> => {
    const line = waiting.pop();
    if (line !== undefined) return line;
    const { done, value } = await source.next();
    return done ? undefined : value;
  };

  try {
    for (let line = await next(); line !== undefined; line = await next()) {
      const first = textOf(line, maxBytes);
      if (typeof first !== 'string') {
        yield { line: line.number, rejection: first };
        continue;
      }
      if (first.trim() === '') continue;
      const spanned: Line[] = [];
      let text = first;
      let isOpen = hasOddQuotes(first);
      while (isOpen && text.length <= maxBytes) {
        const more = await next();
        if (more === undefined) break;
        spanned.push(more);
        const added = textOf(more, maxBytes);
        if (typeof added !== 'string') break;
        text += `\n${added}`;
        if (hasOddQuotes(added)) isOpen = false;
      }
      const values = isOpen ? undefined : split(text, separator);
      if (values !== undefined) {
        yield { line: line.number, values };
        continue;
      }
      for (let one = spanned.pop(); one !== undefined; one = spanned.pop()) waiting.push(one);
      const message = isOpen
        ? `a quote opens a value that does not end within ${maxBytes} bytes; close it, or write "" for a quote`
        : 'the quotes are not as CSV has them; put the value in quotes, and write "" for a quote within';
      yield { line: line.number, rejection: { code: 'RECORD_UNREADABLE', message } };
    }
  } finally {
    await source.return?.();
  }
}

/** The separator that a line has most of, outside of quotes. A comma if it has none. */
export function separatorOf(line: string): Separator {
  const unquoted = line.replace(/"[^"]*"/g, '');
  const count = (separator: string) => unquoted.split(separator).length;
  return ([',', ';', '\t', '|'] as const).reduce((best, one) => (count(one) > count(best) ? one : best));
}

function textOf(line: Line, maxBytes: number): string | Rejection {
  if (line.tooLong) {
    return {
      code: 'EVENT_TOO_LARGE',
      message: `the line has more than ${maxBytes} bytes; leave columns out`,
    };
  }
  if (isUtf8(line.bytes)) return line.bytes.toString('utf8');
  return {
    code: 'EVENT_NOT_UTF8',
    message: 'the line is not UTF-8; convert the file, for example with iconv -f windows-1252 -t utf-8',
  };
}

function hasOddQuotes(text: string): boolean {
  let isOdd = false;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) isOdd = !isOdd;
  return isOdd;
}

/** The values of one row; undefined if its quotes are wrong. */
function split(text: string, separator: Separator): string[] | undefined {
  const grammar = VALUE_BY_SEPARATOR[separator];
  const values: string[] = [];
  for (let at = 0; ; ) {
    grammar.lastIndex = at;
    const found = grammar.exec(text);
    if (found === null) return undefined;
    const [whole, quoted, quotedEnd, plain, plainEnd] = found;
    values.push(quoted === undefined ? plain! : quoted.replaceAll('""', '"'));
    if ((quotedEnd ?? plainEnd) === '') return values;
    at += whole.length;
  }
}
