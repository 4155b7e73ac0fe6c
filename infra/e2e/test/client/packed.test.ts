import { readFileSync } from 'node:fs';
import { buildApp, createBackend } from '@calltally/api';
import { testMongo, testRedis, uniqueName } from '@calltally/stack/testing';
import { openStore } from '@calltally/store';
import { createLogger, createMetrics } from '@calltally/telemetry';
import { type Test, test } from 'tap';
import { PackedProject } from '../../src/packed.ts';

const README = new URL('../../../../packages/client/README.md', import.meta.url);

/** An API on real engines, with a user who has no calls. */
async function startApi(t: Test): Promise<{ url: string; apiKey: string }> {
  const [redis, mongo] = await Promise.all([testRedis(t), testMongo(t)]);
  const at = { uri: mongo.address, database: uniqueName('packed') };
  const logger = createLogger({ service: 'api', level: 'error' });
  const backend = createBackend({ redis: { url: redis.address }, mongo: at }, logger);
  const app = await buildApp({ ...backend, logger, metrics: createMetrics('api') });
  const store = openStore({ ...at, timeoutMs: 10_000, selectionTimeoutMs: 5_000 });
  t.teardown(async () => {
    await app.close();
    await backend.stop();
    await store.close();
  });
  await backend.start();
  const { apiKey } = await store.apiKeys.create({ userId: 'u' });
  return { url: await app.listen({ host: '127.0.0.1', port: 0 }), apiKey };
}

/** All examples of the README as one program, which leaves the stream when it is exact. */
function examples(url: string, apiKey: string): string {
  const blocks = [...readFileSync(README, 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
  return blocks
    .join('\n')
    .replaceAll('http://127.0.0.1:3000', url)
    .replace('ct_…', apiKey)
    .replace(/^(.*event\.type === 'heartbeat'\)) (.*)$/m, '$1 { $2 leaving.abort(); }');
}

test('@calltally/client, installed from its tarball, compiles in strict projects and runs as its README says', async (t) => {
  const [project, { url, apiKey }] = await Promise.all([PackedProject.of(t, 'client'), startApi(t)]);
  t.comment(`${project.bytes} bytes`);
  t.same(
    project.files.filter((file) => !/^(dist|src)\/[\w-]+\.(js|js\.map|d\.ts|ts)$/.test(file)),
    ['LICENSE', 'README.md', 'package.json'],
    'it brings no tests along',
  );
  t.same(
    Object.keys(project.manifest.dependencies as object),
    ['eventsource-parser'],
    'nor anything of ours',
  );
  await project.publint();
  await project.attw();

  const program = examples(url, apiKey);
  const misuse = `
    // @ts-expect-error: there are no years
    void (() => client.timeseries({ interval: 'year' }));
    // @ts-expect-error: a bucket may not be there
    void (() => series.data.buckets[0].calls);
    // @ts-expect-error: who asks?
    void (() => createClient({ baseUrl: '' }));`;
  await project.compile(program + misuse, 'browser');
  await project.compile(program + misuse, 'node');
  const output = await project.run();
  for (const line of [
    /^0 calls, 0 minutes, exact as of /m,
    /^\d{4}-\d\d-\d\d 0 0$/m,
    /^calltally-day-.*\.csv \d+ characters$/m,
    /^0 calls today\nexact as of /m,
    /^start_date "yesterday" is not/m,
  ]) {
    t.match(output, line);
  }
});
