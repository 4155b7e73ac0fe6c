import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { IntakeError } from '../intake-error.ts';

const unpack = promisify(gunzip);

/** Gives routes the body as the bytes that came, whatever its type: signatures cover them. Unpacks gzip. */
export const rawBody = fp(
  async (app: FastifyInstance) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
      const encoding = request.headers['content-encoding'] ?? 'identity';
      if (encoding === 'identity') return body;
      if (encoding !== 'gzip') {
        const message = 'The body is encoded in a way that is not read here. Send it as it is, or as gzip.';
        throw new IntakeError('BAD_REQUEST', { status: 415, message });
      }
      return gunzipped(body, request.routeOptions.bodyLimit);
    });
  },
  { name: 'raw-body' },
);

async function gunzipped(body: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    return await unpack(body, { maxOutputLength: maxBytes });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      const message = `The unpacked body has more than ${maxBytes} bytes. Send it in several requests.`;
      throw new IntakeError('BAD_REQUEST', { status: 413, message });
    }
    throw new IntakeError('BAD_REQUEST', { message: 'The body is not gzip, as content-encoding says.' });
  }
}
