import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';

const ATTEMPTS_MAX = 5;

/** A lock that was acquired, or the process that holds it: undefined if the holders changed too fast to tell. */
type LockAttempt = { release: () => Promise<void> } | { holder: number | undefined };

/** Tries to acquire a lock for this process. Takes it over if its holder has ended, however that happened. */
export async function tryLock(file: string): Promise<LockAttempt> {
  const mine = `${process.pid} ${await bornOf(process.pid)}`;
  // Written first and then linked: an empty lock file would look like one without a holder.
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, mine);
  try {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      try {
        await link(draft, file);
        return { release: () => release(file, mine) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const theirs = await readFile(file, 'utf8').catch(() => '');
      const [pid, born] = theirs.split(' ');
      if (born !== undefined && (await bornOf(Number(pid))) === born) return { holder: Number(pid) };
      await release(file, theirs);
    }
    return { holder: undefined };
  } finally {
    await rm(draft, { force: true });
  }
}

async function release(file: string, text: string): Promise<void> {
  if ((await readFile(file, 'utf8').catch(() => undefined)) === text) await rm(file, { force: true });
}

/** The start time of a process, to detect a reused process id. Undefined if the process is gone. */
async function bornOf(pid: number): Promise<string | undefined> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie holds nothing. Without /proc, any running process with this id counts as the holder.
  return fields[0] === 'Z' ? undefined : (fields[19] ?? 'unknown');
}
