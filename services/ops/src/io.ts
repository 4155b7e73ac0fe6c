import type { Readable, Writable } from 'node:stream';

/** What a command takes from its process, so that a test can give it another. */
export interface Io {
  env: Readonly<Record<string, string | undefined>>;
  /** Where `.calltally/stack.json` and relative files are looked for. */
  cwd: string;
  stdin: Readable & { isTTY?: boolean };
  stdout: Writable;
  stderr: Writable & { isTTY?: boolean };
  /** Aborted when the user asks to stop. */
  signal: AbortSignal;
}
