import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildApp, createBackend } from '@calltally/api';
import { testMongo, testRedis, uniqueName } from '@calltally/stack/testing';
import { createLogger, createMetrics } from '@calltally/telemetry';

/*
 * `npm run test:schema`: schemathesis sends the API requests that its OpenAPI document allows, and requests that it
 * forbids, until it has no more to try. Passes its arguments on to schemathesis.
 */

const VERSION = '4.32.5';
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const FOLDER = join(ROOT, '.calltally', 'schemathesis');
const HOOKS = fileURLToPath(new URL('.', import.meta.url));
/** Streams end soon, because schemathesis reads every answer to its end. */
const STREAM_LIFE_MS = 20;

async function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  const child = spawn(command, args, { stdio: 'inherit', env, cwd: FOLDER });
  const [code] = await once(child, 'close');
  return code ?? 1;
}

async function obtain(): Promise<string> {
  mkdirSync(FOLDER, { recursive: true });
  const bin = (name: string) => join(FOLDER, VERSION, 'bin', name);
  if (existsSync(bin('schemathesis'))) return bin('schemathesis');
  const isMade = await run('python3', ['-m', 'venv', join(FOLDER, VERSION)]).catch(() => 1);
  const isThere =
    isMade === 0 && (await run(bin('pip'), ['install', '--quiet', `schemathesis==${VERSION}`])) === 0;
  if (isThere) return bin('schemathesis');
  throw new Error(
    'test:schema needs Python 3.10 or later with venv and pip, and a package index: install python3 and python3-venv.',
  );
}

async function main(): Promise<number> {
  const schemathesis = await obtain();
  const endings: (() => unknown)[] = [];
  const t = { teardown: (step: () => unknown) => void endings.unshift(step) };
  try {
    const [redis, mongo] = await Promise.all([testRedis(t), testMongo(t)]);
    const logger = createLogger({ service: 'api', level: 'error' });
    const mongoSettings = { uri: mongo.address, database: uniqueName('schema') };
    const backend = createBackend({ redis: { url: redis.address }, mongo: mongoSettings }, logger);
    const app = await buildApp({
      ...backend,
      logger,
      metrics: createMetrics('api'),
      streamLifeMs: () => STREAM_LIFE_MS,
    });
    t.teardown(async () => {
      await app.close();
      await backend.stop();
    });
    await backend.start();
    const { apiKey } = await backend.store.apiKeys.create({ userId: 'u' });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const args = [
      'run',
      `${url}/openapi.json`,
      '--header',
      `Authorization: Bearer ${apiKey}`,
      '--workers',
      '2',
    ];
    // hooks.py replaces this check with our own.
    args.push('--exclude-checks', 'positive_data_acceptance');
    return await run(schemathesis, [...args, ...process.argv.slice(2)], {
      ...process.env,
      PYTHONPATH: HOOKS,
      SCHEMATHESIS_HOOKS: 'hooks',
    });
  } finally {
    for (const end of endings) await end();
  }
}

try {
  process.exitCode = await main();
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  process.exitCode = 1;
}
