import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { maskKeys } from '../mask-keys.ts';

const PATH_LENGTH_MAX = 100;
const DATE_LENGTH_MAX = 40;

declare module 'fastify' {
  interface FastifyRequest {
    /** Code of the error that the request was answered with. */
    errorCode: string | undefined;
  }
}

/** Writes one line a request, when it has been answered: nothing of its headers, and of its parameters only dates. */
export const requestLog = fp(
  async (app: FastifyInstance) => {
    app.decorateRequest('errorCode', undefined);
    app.addHook('onResponse', (request, reply, done) => {
      if (app.log.level !== 'silent') {
        app.log.info(
          {
            request_id: request.id,
            method: request.method,
            path: request.routeOptions.url ?? unmatchedPath(request),
            ...shownParameters(request),
            status: reply.statusCode,
            ...(request.errorCode !== undefined && { code: request.errorCode }),
            ...(request.userId !== '' && { user_id: request.userId }),
            ms: Math.round(reply.elapsedTime * 100) / 100,
          },
          'request',
        );
      }
      done();
    });
  },
  { name: 'request-log', dependencies: ['authentication'] },
);

function unmatchedPath(request: FastifyRequest): string {
  const path = request.url.split('?', 1)[0] ?? '';
  return maskKeys(path).slice(0, PATH_LENGTH_MAX);
}

function shownParameters({ query }: FastifyRequest): Record<string, string> {
  const { start_date, end_date } = query as { start_date?: unknown; end_date?: unknown };
  const shown: Record<string, string> = {};
  if (start_date !== undefined) shown.start_date = maskKeys(String(start_date)).slice(0, DATE_LENGTH_MAX);
  if (end_date !== undefined) shown.end_date = maskKeys(String(end_date)).slice(0, DATE_LENGTH_MAX);
  return shown;
}
