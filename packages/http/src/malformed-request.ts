import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { commonError, type HttpError, methodNotAllowed } from './http-error.ts';

/** Statuses of errors of Node's HTTP parser. All others are 400. */
const STATUSES: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};
/** The request line of a valid request whose method the parser does not know. */
const REQUEST_LINE = /^[!#$%&'*+.^_`|~\w-]+ \S+ HTTP\/1\.[01]\r?\n/;

/** Answers bytes that are no HTTP request in the shape of every other error, and closes the connection. */
export function clientErrorHandler(methods: readonly string[]) {
  return ({ code = '', rawPacket }: { code?: string; rawPacket?: unknown }, socket: Duplex): void => {
    if (code === 'ECONNRESET' || socket.destroyed || !socket.writable) socket.destroy();
    else if (code === 'HPE_INVALID_METHOD' && REQUEST_LINE.test(String(rawPacket))) {
      end(socket, methodNotAllowed(methods));
    } else end(socket, commonError('BAD_REQUEST', { status: STATUSES[code] ?? 400 }));
  };
}

/** Answers CONNECT, which Node does not pass to the app: without a listener, it closes the connection. */
export function tunnelRefuser(methods: readonly string[]) {
  return (_request: unknown, socket: Duplex): void => {
    socket.on('error', () => {});
    end(socket, methodNotAllowed(methods));
  };
}

function end(socket: Duplex, { status, headers, body }: HttpError): void {
  const text = JSON.stringify(body);
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n` +
      'Content-Type: application/json; charset=utf-8\r\n' +
      `Content-Length: ${Buffer.byteLength(text)}\r\n` +
      `${more.join('')}Connection: close\r\n\r\n${text}`,
    () => socket.destroy(),
  );
}
