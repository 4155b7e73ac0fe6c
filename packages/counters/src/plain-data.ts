const STRING_BYTES = 24;
const BUFFER_BYTES = 120;
const OBJECT_BYTES = 32;
const VALUE_BYTES = 12;

/** Strings, numbers, booleans and buffers, and arrays, objects and maps of them: what takes this many bytes, about. */
export function bytesOf(data: unknown): number {
  if (typeof data === 'string') return STRING_BYTES + data.length;
  if (typeof data !== 'object' || data === null) return 0;
  if (Buffer.isBuffer(data)) return BUFFER_BYTES + data.length;
  let bytes = OBJECT_BYTES;
  for (const value of partsOf(data)) bytes += VALUE_BYTES + bytesOf(value);
  return bytes;
}

/**
 * A copy that nobody can change by mistake. Buffers that come from the network are parts of larger ones, which they keep: in
 * the copy they share one of their own.
 */
export function frozenCopyOf<T>(data: T): T {
  const own = Buffer.allocUnsafeSlow(bufferBytesOf(data));
  let end = 0;
  const copy = (one: unknown): unknown => {
    if (typeof one !== 'object' || one === null) return one;
    if (Buffer.isBuffer(one)) {
      const start = end;
      end += one.copy(own, start);
      return own.subarray(start, end);
    }
    if (Array.isArray(one)) return Object.freeze(one.map(copy));
    if (one instanceof Map) return new Map([...one].map(([key, value]) => [key, copy(value)]));
    return Object.freeze(Object.fromEntries(Object.entries(one).map(([name, value]) => [name, copy(value)])));
  };
  return copy(data) as T;
}

function bufferBytesOf(data: unknown): number {
  if (typeof data !== 'object' || data === null) return 0;
  if (Buffer.isBuffer(data)) return data.length;
  let bytes = 0;
  for (const value of partsOf(data)) bytes += bufferBytesOf(value);
  return bytes;
}

function partsOf(data: object): Iterable<unknown> {
  if (Array.isArray(data)) return data;
  return data instanceof Map ? [...data].flat() : Object.values(data);
}
