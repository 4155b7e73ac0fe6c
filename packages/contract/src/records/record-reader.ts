/** A record of format 2: https://kafka.apache.org/documentation/#record */
export interface PlainRecord {
  offsetDelta: number;
  timestampDelta: number;
  key: Buffer | null;
  value: Buffer | null;
  /** A repeated name has an array of values. The object has no prototype, because a header may have any name. */
  headers: Record<string, Buffer | null | (Buffer | null)[]>;
}

/** A record ends before its fields do. Never leaves this file. */
class TruncatedError extends Error {}

/** Reads the records of a batch in order. */
export class RecordReader {
  readonly #buffer: Buffer;
  #at = 0;
  /** End of the current record. */
  #end: number;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
    this.#end = buffer.length;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#buffer.length;
  }

  /** The next record; `broken` if it cannot be decoded, `lost` if the start of the following ones is unknown. */
  next(): PlainRecord | 'broken' | 'lost' {
    this.#end = this.#buffer.length;
    let end: number;
    try {
      end = this.#length() + this.#at;
    } catch {
      return 'lost';
    }
    if (end > this.#buffer.length || end <= this.#at) return 'lost';
    this.#end = end;
    try {
      return this.#record();
    } catch (thrown) {
      if (!(thrown instanceof TruncatedError)) throw thrown;
      return 'broken';
    } finally {
      this.#at = end;
    }
  }

  #record(): PlainRecord {
    this.#take(1); // attributes, unused
    const timestampDelta = this.#varint();
    const offsetDelta = this.#varint();
    const key = this.#bytes();
    const value = this.#bytes();
    const headers: PlainRecord['headers'] = Object.create(null);
    for (let left = this.#length(); left > 0; left--) {
      const name = this.#bytes()?.toString('utf8') ?? '';
      const one = this.#bytes();
      const others = headers[name];
      if (others === undefined) headers[name] = one;
      else if (Array.isArray(others)) others.push(one);
      else headers[name] = [others, one];
    }
    return { offsetDelta, timestampDelta, key, value, headers };
  }

  #bytes(): Buffer | null {
    const length = this.#varint();
    if (length === -1) return null;
    if (length < 0) throw new TruncatedError();
    const from = this.#take(length);
    return this.#buffer.subarray(from, from + length);
  }

  #length(): number {
    const length = this.#varint();
    if (length < 0) throw new TruncatedError();
    return length;
  }

  #take(bytes: number): number {
    const from = this.#at;
    if (from + bytes > this.#end) throw new TruncatedError();
    this.#at = from + bytes;
    return from;
  }

  /** A zigzag varint of up to 64 bits; inexact beyond 2^53, which no real value reaches. */
  #varint(): number {
    let unsigned = 0;
    for (let factor = 1; ; factor *= 128) {
      if (factor > 2 ** 63) throw new TruncatedError();
      const byte = this.#buffer[this.#take(1)]!;
      unsigned += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
    }
    return unsigned % 2 === 0 ? unsigned / 2 : -(unsigned + 1) / 2;
  }
}
