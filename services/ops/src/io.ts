import { once } from 'node:events';
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

/** Writes a text, and waits until it is read, so that memory stays bounded. */
export async function write(stream: Writable, text: string): Promise<void> {
  if (!stream.write(text)) await once(stream, 'drain');
}
