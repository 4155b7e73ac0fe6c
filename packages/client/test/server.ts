import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

export interface ScriptedServer {
  baseUrl: string;
  /** All requests, in order. */
  requests: IncomingMessage[];
}

/** A server that gives each request the next answer; the last one repeats. It ends with `t`. */
export async function serve(t: Test, ...answers: Answer[]): Promise<ScriptedServer> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answers[Math.min(requests.length, answers.length) - 1]?.(response, request);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

export const succeed =
  (data: unknown, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(200, { ...JSON_TYPE, ...headers }).end(JSON.stringify({ success: true, data }));

/** An error as the API writes it. */
export const refuse =
  (status: number, code: string, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response
      .writeHead(status, { ...JSON_TYPE, ...headers })
      .end(JSON.stringify({ success: false, message: `It is ${code}.`, error: { code } }));

/** A page of a proxy. */
export const html =
  (status: number): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>Bad Gateway</h1>');

/** Events of a stream that stays open. */
export const stream =
  (...events: string[]): Answer =>
  (response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).write(events.join(''));

/** Events of a stream that is cut without a word. */
export const cut =
  (...events: string[]): Answer =>
  (response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).end(events.join(''));

export const event = (name: string, data: unknown, id?: string) =>
  `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
export const dashboard = (id: string) => event('dashboard', { total_calls: id.length }, id);
export const heartbeat = event('heartbeat', { as_of: '2026-03-28T12:00:00Z' });
