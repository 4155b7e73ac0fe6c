import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** Where Debian puts servers. PATH has it for root alone. */
const SERVERS = '/usr/sbin';

/** The path of the first of these commands that is on PATH or where servers are. Undefined if none is. */
export async function which(...names: string[]): Promise<string | undefined> {
  for (const name of names) {
    for (const folder of [...(process.env.PATH ?? '').split(delimiter), SERVERS]) {
      const file = join(folder, name);
      if (folder !== '' && (await isCommand(file))) return file;
    }
  }
  return undefined;
}

async function isCommand(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/**
 * Runs a command and returns its stdout and stderr together. Rejects with the last lines of its output if it fails or
 * takes longer than ten minutes.
 */
export async function run(
  command: string,
  args: string[],
  options: { env?: Record<string, string | undefined>; cwd?: string } = {},
): Promise<string> {
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  try {
    const { stdout, stderr } = await exec(command, args, {
      ...options,
      env: { ...inherited, ...options.env },
      maxBuffer: 64 * 1024 * 1024,
      timeout: 600_000,
    });
    return stdout + stderr;
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    const said = `${stdout}${stderr}`.trim().split('\n').slice(-5).join(' ').slice(-600);
    throw new Error(`${command} failed: ${said || message}`, { cause: error });
  }
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}
