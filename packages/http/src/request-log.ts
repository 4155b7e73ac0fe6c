import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { maskKeys } from './redaction.ts';

const PATH_LENGTH_MAX = 100;
const VALUE_LENGTH_MAX = 40;

declare module 'fastify' {
  interface FastifyRequest {
    /** The code of the error that answered the request. */
    errorCode: string | undefined;
  }
}

/** Logs one line for each answered request. No header appears in it but a trusted proxy's, and no parameter but `parameters`. */
export const requestLog = fp(
  async (app: FastifyInstance, { parameters = [] }: { parameters?: readonly string[] }) => {
    app.decorateRequest('errorCode', undefined);
    app.addHook('onResponse', (request, reply, done) => {
      if (app.log.level !== 'silent') app.log.info(lineOf(request, reply, parameters), 'request');
      done();
    });
  },
  { name: 'request-log', dependencies: ['authentication', 'tracing'] },
);

/** Filled in field by field, since spreading would cost more, and every request pays. */
interface Line {
  request_id: string;
  method: string;
  path: string;
  client: string;
  status: number;
  ms: number;
  trace_id?: string;
  user_id?: string;
  code?: string;
  [parameter: string]: string | number | undefined;
}

function lineOf(request: FastifyRequest, reply: FastifyReply, parameters: readonly string[]): Line {
  const line: Line = {
    request_id: request.id,
    method: request.method,
    path: request.routeOptions.url ?? unmatchedPath(request),
    client: request.client,
    status: reply.statusCode,
    ms: Math.round(reply.elapsedTime * 100) / 100,
  };
  if (request.span) line.trace_id = request.span.traceId;
  // A platform's client may write anything there.
  if (request.userId !== '') line.user_id = maskKeys(request.userId);
  for (const name of parameters) {
    const value = (request.query as Record<string, unknown>)[name];
    if (value !== undefined) line[name] = shown(value);
  }
  if (request.errorCode !== undefined) line.code = request.errorCode;
  return line;
}

function unmatchedPath(request: FastifyRequest): string {
  const path = request.url.split('?', 1)[0] ?? '';
  return maskKeys(path).slice(0, PATH_LENGTH_MAX);
}

function shown(value: unknown): string {
  return maskKeys(String(value)).slice(0, VALUE_LENGTH_MAX);
}
