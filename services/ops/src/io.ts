import type { Readable, Writable } from 'node:stream';

/** What a command takes from its process. Tests pass their own. */
export interface Io {
  env: Readonly<Record<string, string | undefined>>;
  /** The directory of `.calltally/stack.json` and of relative paths. */
  cwd: string;
  stdin: Readable & { isTTY?: boolean };
  stdout: Writable;
  stderr: Writable & { isTTY?: boolean };
  /** Aborts when the user stops the command. */
  signal: AbortSignal;
}
