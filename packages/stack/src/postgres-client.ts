import { connect } from 'node:net';

const QUERY_TIMEOUT_MS = 60_000;

/**
 * Runs one statement as user and in database `postgres` on 127.0.0.1, where everybody is trusted, and drops its
 * rows. Just enough of the protocol to know that the server is ready and to set it up, so that no client
 * library is needed. Rejects with the server's message.
 */
export function postgresQuery(port: number, sql: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let pending = Buffer.alloc(0);
    let asked = false;
    let failure: Error | undefined;
    const end = (error?: Error) => {
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    const take = (type: string, body: Buffer) => {
      if (type === 'E') failure = new Error(messageOf(body));
      if (type === 'E' && !asked) end(failure);
      if (type !== 'Z') return; // Z: ready for a query, at first and after each
      if (asked) end(failure);
      else socket.write(message('Q', `${sql}\0`));
      asked = true;
    };
    socket.setTimeout(QUERY_TIMEOUT_MS, () => end(new Error('PostgreSQL did not answer in time')));
    socket.on('connect', () => socket.write(startup()));
    socket.on('error', end);
    socket.on('close', () => end(new Error('PostgreSQL closed the connection')));
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 5 && pending.length > pending.readInt32BE(1)) {
        const size = 1 + pending.readInt32BE(1);
        take(pending.toString('latin1', 0, 1), pending.subarray(5, size));
        pending = pending.subarray(size);
      }
    });
  });
}

function startup(): Buffer {
  const version = Buffer.from([0, 3, 0, 0]);
  return message('', Buffer.concat([version, Buffer.from('user\0postgres\0database\0postgres\0\0')]));
}

function message(type: string, body: string | Buffer): Buffer {
  const content = Buffer.from(body);
  const head = Buffer.alloc(type.length + 4);
  head.write(type, 'latin1');
  head.writeInt32BE(4 + content.length, type.length);
  return Buffer.concat([head, content]);
}

/** Fields of an error, each a letter and a text that ends with zero; M is the message. */
function messageOf(body: Buffer): string {
  const fields = body.toString().split('\0');
  return fields.find((field) => field.startsWith('M'))?.slice(1) ?? 'PostgreSQL refused';
}
