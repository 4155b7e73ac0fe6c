import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** Whether the process runs. A zombie does not. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  if (process.platform !== 'linux') return true;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') X');
  return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
}

/** False if the process still runs after `timeoutMs`. */
export async function isGoneWithin(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (await isAlive(pid)) {
    if (Date.now() > deadline) return false;
    await sleep(20);
  }
  return true;
}

const run = promisify(execFile);

let known: Promise<boolean> | undefined;

/** Whether setpriv can make the kernel end a process with its parent. Only on Linux, and not in every small image. */
function hasDeathSignal(): Promise<boolean> {
  known ??= run('setpriv', ['--pdeathsig', 'KILL', '--', 'true']).then(
    () => true,
    () => false,
  );
  return known;
}

/** Wraps the command so that it runs as `uid`, if given, and ends with its guardian, even after a `kill -9` of it. */
export async function dyingWithParent(
  command: string,
  args: string[],
  uid?: number,
): Promise<{ command: string; args: string[] }> {
  const user = uid === undefined ? [] : ['--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups'];
  const death = (await hasDeathSignal()) ? ['--pdeathsig', 'KILL'] : [];
  const options = [...user, ...death];
  return options.length === 0
    ? { command, args }
    : { command: 'setpriv', args: [...options, '--', command, ...args] };
}
