import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

test('the process ends with the status of its command and never shows a stack trace', async (t) => {
  const run = (args: string[]) =>
    new Promise<{ status: number; out: string; err: string }>((resolve) => {
      const node = ['--import=tsx', '--conditions=calltally', main, ...args];
      const child = execFile(process.execPath, node, (_, out, err) =>
        resolve({ status: child.exitCode ?? -1, out, err }),
      );
    });
  t.match(await run(['--version']), { status: 0, err: '' });
  const usage = await run(['keys', 'create', '--json']);
  t.equal(usage.status, 2);
  t.equal(JSON.parse(usage.err).error.code, 'USAGE');
  t.notMatch(usage.err, /\bat /);
});

/** The status of the command line in a shell, and what it says on standard error. */
async function inShell(line: string): Promise<{ status: number; err: string }> {
  const command = `${process.execPath} --import=tsx --conditions=calltally ${main}`;
  const child = spawn('bash', ['-c', `set -o pipefail; ${line.replaceAll('calltally', command)}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text;
  });
  const [status] = await once(child, 'close');
  return { status, err };
}

test('an output that takes nothing is one line with the remedy, whatever was to be said', async (t) => {
  for (const args of ['--version', '--help', 'lag --help', '--check-config']) {
    const { status, err } = await inShell(`calltally ${args} > /dev/full`);
    t.equal(status, 1, args);
    t.match(
      err,
      /^calltally: standard output cannot be written [^\n]*ENOSPC[^\n]*; free some space [^\n]*\(OUTPUT_UNWRITABLE\)\n$/,
    );
  }
  const json = await inShell('calltally --check-config --json > /dev/full');
  t.equal(JSON.parse(json.err).error.code, 'OUTPUT_UNWRITABLE');
  t.match(await inShell('calltally nonsense 2> /dev/full'), { status: 2, err: '' });
  t.match(await inShell('calltally nonsense > /dev/full 2>&1'), { status: 2, err: '' });
});

test('a reader that has seen enough ends it without a word', async (t) => {
  t.match(await inShell('calltally --help | head -c 1'), { err: '' });
  t.match(await inShell('calltally --help | true'), { err: '' });
});
