import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Test } from '@calltally/stack/testing';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

export interface Process {
  child: ChildProcess;
  output(): string;
  /** Resolves with the first match of `pattern` in the output. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  ended(): Promise<number | null>;
}

/** Starts the API as a process with only the settings in `env`. It is killed when the test ends. */
export function startApi(t: Test, env: Record<string, string>, args: string[] = []): Process {
  const child = spawn(process.execPath, ['--import=tsx', '--conditions=calltally', MAIN, ...args], {
    env: { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: '0', DRAIN_SECONDS: '0', ...env },
  });
  t.teardown(() => {
    child.kill('SIGKILL');
  });
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
