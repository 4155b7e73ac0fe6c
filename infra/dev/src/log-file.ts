import { openSync, statSync } from 'node:fs';

const LOG_BYTES_MAX = 20 * 1024 * 1024;

/** Opens a log to add to; one that has grown too large begins anew. @returns its file descriptor */
export function openLog(file: string): number {
  const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return openSync(file, bytes > LOG_BYTES_MAX ? 'w' : 'a', 0o600);
}
