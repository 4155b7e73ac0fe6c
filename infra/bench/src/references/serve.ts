import { readFileSync } from 'node:fs';
import { type FastifyInstance, type FastifyRequest, fastify } from 'fastify';

/** A body as the API answers, and the schema that it is written with. */
export const reference: { body: unknown; schema: object } = JSON.parse(
  readFileSync(process.env.REFERENCE!, 'utf8'),
);

/**
 * What the API is compared with: Fastify as it is by itself, without plugins and without a log, with one route that
 * writes its answer by the API's own response schema.
 * @param prepare what is more than that
 */
export async function serve(
  answer: (request: FastifyRequest) => unknown,
  prepare: (app: FastifyInstance) => void = () => {},
): Promise<void> {
  const app = fastify();
  prepare(app);
  app.get('/analytics/dashboard', { schema: { response: { 200: reference.schema } } }, answer as never);
  app.get('/readyz', async () => ({ ready: true }));
  process.on('SIGTERM', () => process.exit());
  await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
}

/** The API key that a request came with. */
export function keyOf(request: FastifyRequest): string {
  return request.headers.authorization!.slice('Bearer '.length);
}
