import { execFileSync } from 'node:child_process';
import { test } from 'tap';

const settings = {
  endpoint: 'http://127.0.0.1:1',
  headers: {},
  sampler: 'always_on',
  ratio: 1,
  attributes: {},
};

/** Packages of OpenTelemetry that a process has loaded once it has started tracing, and whether it traces. */
function loadedWith(given: object | undefined): { packages: string[]; isTracing: boolean } {
  const script = `
    import { createRequire } from 'node:module';
    const { startTracing, isTracing, createLogger } = await import('${new URL('../../src/index.ts', import.meta.url)}');
    const logger = createLogger({ service: 'test', level: 'silent' });
    await startTracing(${JSON.stringify(given)}, { service: 'test', logger });
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    const packages = loaded.flatMap((path) => /@opentelemetry\\/([a-z-]+)\\//.exec(path)?.[1] ?? []);
    console.log(JSON.stringify({ packages: [...new Set(packages)], isTracing: isTracing() }));
    process.exit(0);
  `;
  const args = ['--import=tsx', '--conditions=calltally', '--input-type=module', '--eval', script];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

test('a process that traces nothing loads nothing of the SDK', (t) => {
  const { packages, isTracing } = loadedWith(undefined);
  t.equal(isTracing, false);
  t.same(
    packages.filter((name) => name !== 'api'),
    [],
  );
  const traced = loadedWith(settings);
  t.equal(traced.isTracing, true);
  t.ok(traced.packages.includes('sdk-trace'), 'this would have shown it');
  t.end();
});
