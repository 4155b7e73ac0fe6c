import { parseDateRange } from '@calltally/domain';
import { endSpan } from '@calltally/http';
import type { FastifyInstance } from 'fastify';
import { registerStreamMetrics } from '../metrics.ts';
import { refuseMisspelt } from '../misspelt-parameters.ts';
import type { RouteParts } from '../parts.ts';
import { filterOf, listFilters } from '../schemas/filter-parameters.ts';
import { StreamQuery, StreamSchema } from '../schemas/stream.ts';
import { Streams } from '../stream/streams.ts';

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'private, no-store, no-transform',
  // Otherwise nginx buffers events.
  'x-accel-buffering': 'no',
};

interface Request {
  Querystring: StreamQuery;
  Headers: { 'last-event-id'?: string };
}

/** `GET /analytics/stream`: the dashboard's figures as events, until either side ends the stream (docs/api.md). */
export async function streamRoutes(app: FastifyInstance, parts: RouteParts): Promise<void> {
  const streams = new Streams(parts);
  registerStreamMetrics(parts.metrics, streams);
  // Before the server waits for its connections to close.
  app.addHook('preClose', () => streams.stop());

  app.get<Request>(
    '/analytics/stream',
    {
      schema: StreamSchema,
      onRequest: [app.requireReader, ...app.userLimit],
      preValidation: [refuseMisspelt(StreamQuery), listFilters],
    },
    async (request, reply) => {
      // An invalid query is refused before anything is read.
      parseDateRange(request.query, parts.clock());
      filterOf(request.query);
      if (request.method === 'HEAD') return reply.headers(HEADERS).send();
      const { raw: response } = reply;
      await streams.listen({
        userId: request.userId,
        credential: request.credential!,
        query: request.query,
        lastEventId: request.headers['last-event-id'],
        response,
        begin() {
          reply.headers({ ...HEADERS, connection: 'close' }).hijack();
          response.writeHead(200, reply.getHeaders() as Record<string, string>);
          request.answeredMs = reply.elapsedTime;
          // So that nothing that all streams share is recorded as part of the first one's request.
          endSpan(request, reply, 200);
          // Fastify runs onResponse at `finish` or `error`. A client that disconnects causes neither.
          response.once('close', () => {
            if (!response.writableFinished) response.emit('error', new Error('client disconnected'));
          });
        },
        refused(error) {
          request.errorCode = error.code;
        },
      });
    },
  );
}
