import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** Allows nothing inline, nothing from other hosts, and no markup or code made from text. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  // The encoding decides which file is sent.
  vary: 'Accept-Encoding',
};

/** `GET /` and its assets: the built page of services/web. @throws Error if it is not built */
export async function page(app: FastifyInstance): Promise<void> {
  await app.register(fastifyStatic, {
    root: builtPage(),
    // One route per file, so that all other paths stay the API's.
    wildcard: false,
    globIgnore: ['**/*.br', '**/*.gz'],
    preCompressed: true,
    decorateReply: false,
    cacheControl: false,
    setHeaders(response, path) {
      // The name of an asset contains a hash of its content.
      const isAsset = path.includes('/assets/');
      response.setHeader('cache-control', isAsset ? 'public, max-age=31536000, immutable' : 'no-cache');
      for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    },
  });
}

function builtPage(): string {
  const index = fileURLToPath(import.meta.resolve('@calltally/web/index.html'));
  if (existsSync(index)) return dirname(index);
  throw new Error(
    `The page is not built: ${index} is missing. Run "npm run build", or "npm start", which builds it.`,
  );
}
