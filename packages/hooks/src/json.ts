import { isUtf8 } from 'node:buffer';

/** Only a text with so many digits in a row can hold an integer that a double cannot. */
const LONG_INTEGER = /\d{16}/;
/** A string or a number of valid JSON. Strings are matched so that digits in them are left alone. */
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const INTEGER = /^-?\d+$/;

/**
 * Parses JSON. An integer that a double cannot hold becomes a string of its digits, as protojson writes an int64: nanoseconds
 * and long ids keep their last digits.
 * @returns undefined if it is not JSON
 */
export function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return LONG_INTEGER.test(text) ? JSON.parse(text.replace(STRING_OR_NUMBER, quoteUnsafe)) : value;
  } catch {
    return undefined;
  }
}

/** As `parseJson`, for bytes in UTF-8. */
export function parseJsonBytes(bytes: Buffer): unknown {
  return isUtf8(bytes) ? parseJson(bytes.toString('utf8')) : undefined;
}

function quoteUnsafe(token: string): string {
  return INTEGER.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token;
}
