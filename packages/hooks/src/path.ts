import { parseJson, parseJsonBytes } from './json.ts';

/** The names that lead to a value, outermost first. At least one. */
export type Path = readonly string[];

/** Completes `… must be` in messages. */
export const PATH_RULE =
  'names with dots between them, such as call.metadata.user_id, or a JSON Pointer, such as /participant/attributes/calltally.user_id';

const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;
const INDEX = /^(?:0|[1-9]\d*)$/;

/**
 * Reads a path: names with dots between them, or a JSON Pointer (RFC 6901) if it begins with `/`, for names with dots.
 * @returns undefined if it is neither
 */
export function parsePath(text: string): Path | undefined {
  if (!text.startsWith('/')) {
    const names = text.split('.');
    return names.includes('') ? undefined : names;
  }
  if (/~(?![01])/.test(text)) return undefined;
  const unescaped = (name: string) => name.replaceAll('~1', '/').replaceAll('~0', '~');
  return text.slice(1).split('/').map(unescaped);
}

/**
 * The value at a path of parsed JSON; undefined if there is none. Where the path goes on below a string, the string is read as
 * JSON, or as base64 of JSON: some platforms pass on an application's data like this. Never throws.
 */
export function valueAt(payload: unknown, path: Path): unknown {
  let value = payload;
  for (const name of path) {
    if (typeof value === 'string') value = jsonWithin(value);
    if (typeof value !== 'object' || value === null || !has(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** An array has elements alone, not a length. */
function has(value: object, name: string): boolean {
  return Object.hasOwn(value, name) && (!Array.isArray(value) || INDEX.test(name));
}

function jsonWithin(text: string): unknown {
  return parseJson(text) ?? (BASE64.test(text) ? parseJsonBytes(Buffer.from(text, 'base64')) : undefined);
}
