import { readFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { ServerTls } from './certificates.ts';

const PROBE_TIMEOUT_MS = 2000;

/**
 * Sends `request` to 127.0.0.1 and calls `judge` with the reply so far until it returns true or false. Returns false if
 * nothing listens, the connection closes, or nothing arrives for two seconds.
 * @param tls of the engine; without it, the connection is plain
 */
export function probe(
  port: number,
  request: Uint8Array,
  judge: (reply: Buffer) => boolean | undefined,
  tls?: ServerTls,
): Promise<boolean> {
  return new Promise((resolve) => {
    const address = { port, host: '127.0.0.1' };
    const socket = tls ? connectTls({ ...address, ...asClient(tls) }) : connectPlain(address);
    let reply = Buffer.alloc(0);
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(PROBE_TIMEOUT_MS, () => end(false));
    socket.on(tls ? 'secureConnect' : 'connect', () => socket.write(request));
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
    socket.on('data', (chunk) => {
      reply = Buffer.concat([reply, chunk]);
      const verdict = judge(reply);
      if (verdict !== undefined) end(verdict);
    });
  });
}

function asClient({ mutual }: ServerTls): ConnectionOptions {
  const own = mutual && { cert: readFileSync(mutual.cert), key: readFileSync(mutual.key) };
  return { ...own, rejectUnauthorized: false };
}

const OP_MSG = 2013;

/** Whether the engine answers a command that needs its storage (`listDatabases`), or demands a login. */
export function answersMongo(port: number, tls?: ServerTls): Promise<boolean> {
  const judge = (reply: Buffer) => {
    if (reply.length < 4 || reply.length < reply.readInt32LE(0)) return undefined;
    return reply.includes(OK) || reply.includes(WHO_ARE_YOU);
  };
  return probe(port, request(), judge, tls);
}

/** The field `ok: 1` of a reply, as a double. */
const OK = double('ok', 1);
/** The field `code` of the error Unauthorized, from an engine that demands a login. */
const WHO_ARE_YOU = Buffer.concat([Buffer.from([0x10]), Buffer.from('code\0'), int32(13)]);

function request(): Buffer {
  const fields = Buffer.concat([double('listDatabases', 1), double('nameOnly', 1), text('$db', 'admin')]);
  const document = Buffer.concat([int32(4 + fields.length + 1), fields, Buffer.from([0])]);
  const body = Buffer.concat([int32(0), Buffer.from([0]), document]); // no flags, one section
  return Buffer.concat([int32(16 + body.length), int32(1), int32(0), int32(OP_MSG), body]);
}

function double(name: string, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([Buffer.from([1]), Buffer.from(`${name}\0`), bytes]);
}

function text(name: string, value: string): Buffer {
  const bytes = Buffer.from(`${value}\0`);
  return Buffer.concat([Buffer.from([2]), Buffer.from(`${name}\0`), int32(bytes.length), bytes]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
