import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { uniqueName } from '@calltally/stack/testing';
import { type Test, test } from 'tap';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
/** Nothing listens on the ports of these. */
const NOWHERE = { REDIS_URL: 'redis://127.0.0.1:1', MONGODB_URI: 'mongodb://127.0.0.1:1/calltally' };

interface Process {
  child: ChildProcess;
  output(): string;
  /** Resolves with what `pattern` finds in the output. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  ended(): Promise<number | null>;
}

function start(t: Test, env: Record<string, string>, args: string[] = []): Process {
  const child = spawn(process.execPath, ['--import=tsx', '--conditions=calltally', MAIN, ...args], {
    env: { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: '0', ...env },
  });
  t.teardown(() => child.kill('SIGKILL'));
  let output = '';
  const exit = once(child, 'close');
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk;
    });
  }
  return {
    child,
    output: () => output,
    async says(pattern) {
      for (;;) {
        const found = pattern.exec(output);
        if (found !== null) return found;
        if (child.exitCode !== null) throw new Error(`ended without ${pattern}: ${output}`);
        await Promise.race([once(child.stdout as NodeJS.ReadableStream, 'data'), exit]);
      }
    },
    async ended() {
      await exit;
      return child.exitCode;
    },
  };
}

test('it starts while both stores are down, says where it listens, and stops when it is told to', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const api = start(t, NOWHERE);
    const [, address] = await api.says(/listening on (http:\/\/127\.0\.0\.1:\d+)/);
    t.equal((await fetch(`${address}/healthz`)).status, 200);
    t.equal((await fetch(`${address}/readyz`)).status, 503);
    t.equal((await fetch(`${address}/analytics/dashboard`)).status, 401);
    api.child.kill(signal);
    t.equal(await api.ended(), 0, signal);
    t.match(api.output(), /"msg":"stopped"/);
  }
});

test('--check-config stops after the settings, and says every fault without its value', async (t) => {
  const good = start(t, {}, ['--check-config']);
  t.equal(await good.ended(), 0);
  const secret = uniqueName('pa55');
  const bad = start(t, { PORT: secret, MONGODB_URI: secret, RATE_LIMIT_PER_SECOND: secret }, [
    '--check-config',
  ]);
  t.equal(await bad.ended(), 1);
  for (const variable of ['PORT', 'MONGODB_URI', 'RATE_LIMIT_PER_SECOND']) t.match(bad.output(), variable);
  t.notMatch(bad.output(), secret);
});

test('a port that is taken is one clear line and exit status 1', async (t) => {
  const first = start(t, NOWHERE);
  const [, port = ''] = await first.says(/listening on http:\/\/127\.0\.0\.1:(\d+)/);
  const second = start(t, { ...NOWHERE, PORT: port });
  t.equal(await second.ended(), 1);
  t.match(second.output(), /"msg":"cannot listen"/);
  t.match(second.output(), /EADDRINUSE/);
});
