import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';

/** The output and exit status of a service whose port another process listens on. */
async function startedOn(
  name: string,
  port: number,
): Promise<{ status: number | null; out: string; err: string }> {
  const main = fileURLToPath(new URL(`../../../services/${name}/dist/main.js`, import.meta.url));
  const env = { PATH: process.env.PATH, PORT: `${port}`, INGEST_PORT: `${port}`, LOG_LEVEL: 'error' };
  const nowhere = {
    KAFKA_BROKERS: '127.0.0.1:1',
    REDIS_URL: 'redis://127.0.0.1:1',
    MONGODB_URI: 'mongodb://127.0.0.1:1',
  };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [main], { env: { ...env, ...nowhere } }, (_, out, err) =>
      resolve({ status: child.exitCode, out, err }),
    );
  });
}

test('a service whose port is taken says so in one line, with the remedy', async (t) => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  for (const [name, variable] of [
    ['ingest', 'INGEST_PORT'],
    ['api', 'PORT'],
  ] as const) {
    const { status, out, err } = await startedOn(name, port);
    t.equal(status, 1, name);
    t.equal(err, '', 'no stack');
    const lines = out.trim().split('\n');
    t.equal(lines.length, 1, out);
    t.match(lines[0], 'EADDRINUSE');
    t.match(JSON.parse(lines[0]!).msg, `set ${variable}`);
  }
});
