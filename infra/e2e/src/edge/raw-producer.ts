import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodeBatch, type RawBatch } from '@calltally/contract/testing';

/** Writes record batches unchanged, to one partition at a time. No client library does this. */
export class RawProducer {
  readonly #socket: Socket;
  readonly #topic: string;
  #correlation = 0;

  private constructor(socket: Socket, topic: string) {
    this.#socket = socket;
    this.#topic = topic;
  }

  static async open(broker: string, topic: string): Promise<RawProducer> {
    const [host, port] = broker.split(':');
    const socket = connect(Number(port), host);
    await once(socket, 'connect');
    return new RawProducer(socket, topic);
  }

  /** @returns the offset of the first record, or the broker's error code as a negative number */
  async send(partition: number, batch: RawBatch): Promise<number> {
    const records = await encodeBatch(batch);
    this.#socket.write(this.#request(partition, records));
    const reply = await this.#reply();
    // correlation id, count of topics, name, count of partitions, partition, error code, base offset
    const at = 4 + 4 + 2 + this.#topic.length + 4 + 4;
    const code = reply.readInt16BE(at);
    return code === 0 ? Number(reply.readBigInt64BE(at + 2)) : -Math.abs(code);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** A Produce request, version 7 (the first that allows zstd), with acks of all replicas. */
  #request(partition: number, records: Buffer): Buffer {
    const text = (value: string) => Buffer.concat([int(2, value.length), Buffer.from(value)]);
    const body = Buffer.concat([
      int(2, 0),
      int(2, 7),
      int(4, ++this.#correlation),
      text('raw'),
      int(2, -1),
      int(2, -1),
      int(4, 30_000),
      int(4, 1),
      text(this.#topic),
      int(4, 1),
      int(4, partition),
      int(4, records.length),
      records,
    ]);
    return Buffer.concat([int(4, body.length), body]);
  }

  async #reply(): Promise<Buffer> {
    let data = Buffer.alloc(0);
    while (data.length < 4 || data.length < 4 + data.readInt32BE(0)) {
      const [more] = (await once(this.#socket, 'data')) as [Buffer];
      data = Buffer.concat([data, more]);
    }
    return data.subarray(4);
  }
}

function int(bytes: number, value: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeIntBE(value, 0, bytes);
  return buffer;
}
