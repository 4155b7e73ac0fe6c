/** The fields of a protobuf message by number: each as often as it came, as a number, 8 bytes, or bytes. */
export type Fields = ReadonlyMap<number, readonly (number | Buffer)[]>;

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Reads a message without knowing its schema. @throws on what is no protobuf */
export function fieldsOf(message: Buffer): Fields {
  const fields = new Map<number, (number | Buffer)[]>();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++];
      if (byte === undefined) throw new Error('the message ends within a number');
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  const take = (length: number) => {
    if (at + length > message.length) throw new Error('the message ends within a field');
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const key = varint();
    const number = Math.floor(key / 8);
    const values = fields.get(number) ?? [];
    fields.set(number, values);
    switch (key % 8) {
      case VARINT:
        values.push(varint());
        break;
      case FIXED64:
        values.push(take(8));
        break;
      case BYTES:
        values.push(take(varint()));
        break;
      case FIXED32:
        values.push(take(4));
        break;
      default:
        throw new Error(`field ${number} has an unknown type`);
    }
  }
  return fields;
}

/** The messages in a field. */
export function messagesIn(fields: Fields, number: number): Fields[] {
  return (fields.get(number) ?? []).map((value) => fieldsOf(value as Buffer));
}

export function textIn(fields: Fields, number: number): string {
  return ((fields.get(number)?.[0] ?? '') as Buffer | '').toString();
}

export function bytesIn(fields: Fields, number: number): Buffer {
  return (fields.get(number)?.[0] ?? Buffer.alloc(0)) as Buffer;
}

export function numberIn(fields: Fields, number: number): number {
  return (fields.get(number)?.[0] ?? 0) as number;
}
