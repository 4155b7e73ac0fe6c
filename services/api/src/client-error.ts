import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ApiError, badRequest, methodNotAllowed } from './api-error.ts';

/** What Node's parser makes of it, and the status that says so; everything else is 400. */
const STATUSES: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};
/** A request that is proper but for a method that nobody knows. */
const REQUEST_LINE = /^[!#$%&'*+.^_`|~\w-]+ \S+ HTTP\/1\.[01]\r?\n/;

/** Answers bytes that never became a request, in the shape of every other error, and ends the connection. */
export function answerClientError(
  error: Error & { code?: string; rawPacket?: unknown },
  socket: Duplex,
): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) socket.destroy();
  else end(socket, parserErrorOf(error));
}

/** Answers CONNECT, which asks for a tunnel: Node makes no request of it, and would cut the connection. */
export function refuseTunnel(_request: unknown, socket: Duplex): void {
  socket.on('error', () => {});
  end(socket, methodNotAllowed());
}

function parserErrorOf({ code = '', rawPacket }: { code?: string; rawPacket?: unknown }): ApiError {
  if (code === 'HPE_INVALID_METHOD' && REQUEST_LINE.test(String(rawPacket))) {
    return methodNotAllowed();
  }
  return badRequest(STATUSES[code] ?? 400);
}

function end(socket: Duplex, { status, headers, body }: ApiError): void {
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
