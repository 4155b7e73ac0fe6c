import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { DevError } from './errors.ts';

const ATTEMPTS_MAX = 5;

/**
 * Takes the lock for this process. One whose holder is gone, however it went, is taken over.
 * @returns what gives it back
 * @throws DevError DEV_ALREADY_RUNNING while its holder lives
 */
export async function takeLock(file: string): Promise<() => Promise<void>> {
  const mine = `${process.pid} ${await bornOf(process.pid)}`;
  // Linked into place with its text in it: an empty lock would look like one without a holder.
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, mine);
  try {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      try {
        await link(draft, file);
        return () => release(file, mine);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const theirs = await readFile(file, 'utf8').catch(() => '');
      const [pid, born] = theirs.split(' ');
      if (born !== undefined && (await bornOf(Number(pid))) === born) throw alreadyRunning(Number(pid));
      await release(file, theirs);
    }
    throw alreadyRunning(undefined);
  } finally {
    await rm(draft, { force: true });
  }
}

function alreadyRunning(pid: number | undefined): DevError {
  const who = pid === undefined ? '' : ` (process ${pid})`;
  return new DevError(
    'DEV_ALREADY_RUNNING',
    `npm start runs in this folder already${who}; its addresses are in .calltally/stack.json, Ctrl-C there ends it`,
  );
}

async function release(file: string, text: string): Promise<void> {
  if ((await readFile(file, 'utf8').catch(() => undefined)) === text) await rm(file, { force: true });
}

/** When a process began, so that its number on another process is told apart; undefined when it is gone. */
async function bornOf(pid: number): Promise<string | undefined> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie holds nothing. Where there is no /proc, a living process of this number has to do.
  return fields[0] === 'Z' ? undefined : (fields[19] ?? 'unknown');
}
