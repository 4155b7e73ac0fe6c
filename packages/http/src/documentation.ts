import type {} from '@fastify/compress';
import fastifySwagger from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

/** Loads everything from this host, since a dashboard's network may reach no other. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'none'; " +
  "img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self'";

const API_KEY = 'An API key: `ct_` and 43 characters.';

/** What a service says of itself in its OpenAPI document. */
export interface Described {
  title: string;
  description: string;
  /** In the order in which they are shown. */
  tags: readonly string[];
  /** What goes into `Authorization`. Default: an API key. */
  credential?: string;
}

/** `GET /openapi.json`, generated from the routes' schemas, and `GET /docs` for people. */
export const documentation = fp(
  async (app: FastifyInstance, { title, description, tags, credential = API_KEY }: Described) => {
    await app.register(fastifySwagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title,
          version: '0.1.0',
          description,
          license: { name: 'MIT', identifier: 'MIT' },
        },
        servers: [{ url: '/' }],
        tags: tags.map((name) => ({ name })),
        components: {
          securitySchemes: {
            apiKey: { type: 'http', scheme: 'bearer', description: credential },
          },
        },
      },
      convertConstToEnum: false,
    });
    await app.register(fastifySwaggerUi, {
      routePrefix: '/docs',
      staticCSP: CONTENT_SECURITY_POLICY,
      uiConfig: { persistAuthorization: false },
    });
    app.get('/openapi.json', { schema: { hide: true }, compress: {} }, async (_request, reply) => {
      reply.header('vary', 'accept-encoding');
      return app.swagger();
    });
  },
  { name: 'documentation', dependencies: ['@fastify/compress'] },
);
