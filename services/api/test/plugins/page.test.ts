import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync } from 'node:zlib';
import { uniqueName } from '@calltally/stack/testing';
import { type Test, test } from 'tap';
import { testApi } from '../support.ts';

/** As docs/page.md says. */
const TRANSFER_MAX_BYTES = 40_000;
/** Names of languages that an element is in, and no addresses: nothing is loaded from them. */
const NAMESPACE = /http:\/\/www\.w3\.org\/(?:2000\/svg|1998\/Math\/MathML|1999\/xhtml|1999\/xlink)/g;

interface Received {
  status: number;
  headers: IncomingMessage['headers'];
  /** As it came over the wire. */
  bytes: Buffer;
  text: string;
}

/** The API over real HTTP, without any store: the page needs none. */
async function served(t: Test) {
  const { app } = await testApi(t, {
    redisUrl: 'redis://127.0.0.1:1',
    mongoUri: 'mongodb://127.0.0.1:1/?directConnection=true',
    database: uniqueName('page'),
  });
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  return async (path: string, headers: Record<string, string> = {}): Promise<Received> => {
    const [response] = (await once(httpGet(origin + path, { headers, agent: false }), 'response')) as [
      IncomingMessage,
    ];
    const bytes = await buffer(response);
    const isBrotli = response.headers['content-encoding'] === 'br';
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      bytes,
      text: (isBrotli ? brotliDecompressSync(bytes) : bytes).toString(),
    };
  };
}

/** What a document names in `src` and `href`. */
function loaded({ text }: Received): string[] {
  return [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url ?? '');
}

test('the page is there, and all that it loads comes from here and is less than 40 KB', async (t) => {
  const get = await served(t);
  const br = { 'accept-encoding': 'br' };
  const index = await get('/', br);
  t.equal(index.status, 200);
  t.match(index.headers['content-type'], /^text\/html/);
  const files = loaded(index);
  t.same(files.map((file) => /\.\w+$/.exec(file)?.[0]).sort(), ['.css', '.js', '.svg']);
  let sum = index.bytes.length;
  for (const file of files) {
    t.match(file, /^\/assets\//, 'none is elsewhere');
    const asset = await get(file, br);
    t.equal(asset.status, 200, file);
    t.equal(asset.headers['content-encoding'], 'br', file);
    t.notMatch(asset.text.replace(NAMESPACE, ''), /(?:https?:)?\/\/[a-z]/i, `${file} names no other host`);
    // A style sheet or a script that loads more would not be in the sum.
    t.notMatch(asset.text, /url\(|@import|\bimport[("']/, file);
    sum += asset.bytes.length;
  }
  t.comment(`${sum} bytes in all`);
  t.ok(sum < TRANSFER_MAX_BYTES, `${sum} bytes`);
});

test('its policy lets it load nothing from elsewhere and do nothing that it does not need', async (t) => {
  const get = await served(t);
  const index = await get('/');
  const policy = String(index.headers['content-security-policy']).split('; ');
  for (const directive of [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ]) {
    t.ok(policy.includes(directive), directive);
  }
  t.notMatch(index.text, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/, 'nothing stands inline');
  for (const path of ['/', ...loaded(index)]) {
    const { headers } = await get(path);
    t.equal(headers['x-content-type-options'], 'nosniff', path);
    t.equal(headers['referrer-policy'], 'no-referrer', path);
    t.equal(headers['cross-origin-opener-policy'], 'same-origin', path);
    t.match(headers['permissions-policy'], 'camera=()', path);
  }
});

test('assets named by a hash are cached for good, the document is revalidated each time', async (t) => {
  const get = await served(t);
  const index = await get('/');
  t.equal(index.headers['cache-control'], 'no-cache');
  for (const file of loaded(index)) {
    t.match(file, /-[\w-]{8}\.\w+$/);
    t.equal((await get(file)).headers['cache-control'], 'public, max-age=31536000, immutable');
  }
  const again = await get('/', { 'if-none-match': String(index.headers.etag) });
  t.equal(again.status, 304);
});

test('a file is sent as its client can read it, and is the same each way', async (t) => {
  const get = await served(t);
  const plain = await get('/', { 'accept-encoding': 'identity' });
  const brotli = await get('/', { 'accept-encoding': 'gzip, deflate, br' });
  const gzip = await get('/', { 'accept-encoding': 'gzip' });
  t.equal(plain.headers['content-encoding'], undefined);
  t.equal(brotli.headers['content-encoding'], 'br');
  t.equal(gzip.headers['content-encoding'], 'gzip');
  t.equal(brotli.text, plain.text);
  for (const { headers } of [plain, brotli, gzip]) t.match(headers.vary, /accept-encoding/i);
});

test('all other paths are still answered by the API', async (t) => {
  const get = await served(t);
  for (const path of [
    '/nothing',
    '/assets/nothing.js',
    '/assets',
    '/index.html.br',
    '/.calltally-built',
    '/%2e%2e/package.json',
  ]) {
    const { status, text } = await get(path);
    t.equal(status, 404, path);
    t.equal(JSON.parse(text).error.code, 'NOT_FOUND', path);
  }
  t.equal((await get('/healthz')).status, 200);
  t.equal((await get('/analytics/dashboard')).status, 401);
  t.match((await get('/docs')).text, /swagger/i);
});
