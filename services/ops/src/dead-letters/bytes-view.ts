import { isUtf8 } from 'node:buffer';
import { escapeUnsafe } from '@calltally/domain';

const HEX_BYTES_A_LINE = 16;
/** Deeper levels are not indented further: a hostile value may be nested a million deep. */
const INDENTED_DEPTH_MAX = 16;

/** Bytes for programs: a text where they are UTF-8. */
export type BytesView = { text: string } | { base64: string } | null;

export function bytesView(bytes: Buffer | null): BytesView {
  if (bytes === null) return null;
  return isUtf8(bytes) ? { text: bytes.toString('utf8') } : { base64: bytes.toString('base64') };
}

/** A key or a header in one line: a quoted text, or hexadecimal digits. */
export function bytesLine(bytes: Buffer | null, maxBytes: number): string {
  if (bytes === null) return 'none';
  const { head, rest } = cut(bytes, maxBytes);
  const shown = isUtf8(bytes)
    ? escapeUnsafe(JSON.stringify(head.toString('utf8')))
    : `hex ${head.toString('hex')}`;
  return rest === 0 ? shown : `${shown} … ${rest} more bytes`;
}

/** A value in lines: JSON indented, as it was written but for blanks; anything else as a hex dump. */
export function* valueLines(value: Buffer, maxBytes: number): Generator<string> {
  const { head, rest } = cut(value, maxBytes);
  const lines = isJson(value) ? indentedJson(head.toString('utf8')) : hexDump(head);
  for (const line of lines) yield escapeUnsafe(line);
  if (rest > 0) yield `… ${rest} more bytes`;
}

/** What a value is to a reader. */
export function kindOf(value: Buffer): 'JSON' | 'text' | 'bytes' {
  if (isJson(value)) return 'JSON';
  return isUtf8(value) ? 'text' : 'bytes';
}

function isJson(bytes: Buffer): boolean {
  if (!isUtf8(bytes)) return false;
  try {
    JSON.parse(bytes.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

/** The first bytes, and how many follow; a character of UTF-8 is not cut. */
function cut(bytes: Buffer, maxBytes: number): { head: Buffer; rest: number } {
  if (bytes.length <= maxBytes) return { head: bytes, rest: 0 };
  let end = maxBytes;
  while (end > maxBytes - 4 && end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return { head: bytes.subarray(0, end), rest: bytes.length - end };
}

/** Bytes as offset, hexadecimal digits and printable ASCII, 16 a line. */
function* hexDump(bytes: Buffer): Generator<string> {
  for (let at = 0; at < bytes.length; at += HEX_BYTES_A_LINE) {
    const part = bytes.subarray(at, at + HEX_BYTES_A_LINE);
    const digits = part.toString('hex').replace(/..(?=.)/g, '$& ');
    const ascii = part.toString('latin1').replace(/[^ -~]/g, '.');
    yield `${at.toString(16).padStart(8, '0')}  ${digits.padEnd(HEX_BYTES_A_LINE * 3 - 1)}  |${ascii}|`;
  }
}

/**
 * JSON, or the beginning of one, in indented lines. It works on the text, so repeated keys, numbers beyond a double and
 * escapes in strings are shown as they were written.
 */
function* indentedJson(text: string): Generator<string> {
  let depth = 0;
  let line = '';
  const indented = (content: string) => '  '.repeat(Math.min(depth, INDENTED_DEPTH_MAX)) + content;
  // Strings, brackets, and what stands between; a string that the end of the text cuts runs to it.
  for (const [token] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"?|[[\]{},:]|[^\s"[\]{},:]+/gs)) {
    if (token === '{' || token === '[') {
      yield indented(line + token);
      line = '';
      depth++;
    } else if (token === '}' || token === ']') {
      if (line !== '') yield indented(line);
      depth--;
      line = token;
    } else if (token === ',') {
      yield indented(line + token);
      line = '';
    } else {
      line += token === ':' ? ': ' : token;
    }
  }
  if (line !== '') yield indented(line);
}
