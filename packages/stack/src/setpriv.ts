import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

let known: Promise<boolean> | undefined;

/** Linux only, and not in every small image: ends a process with its parent, in the kernel. */
function hasDeathSignal(): Promise<boolean> {
  known ??= run('setpriv', ['--pdeathsig', 'KILL', '--', 'true']).then(
    () => true,
    () => false,
  );
  return known;
}

/** The command, wrapped so that even a `kill -9` of its guardian ends it, and run as `uid` where one is given. */
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
