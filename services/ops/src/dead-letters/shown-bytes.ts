import { isUtf8 } from 'node:buffer';
import { escapeUnsafe } from '@calltally/domain';
import { hexDump } from './hex-dump.ts';
import { indentedJson } from './indented-json.ts';

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
