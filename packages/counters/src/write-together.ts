import type { Redis } from 'ioredis';

/** What is sent on a connection in this turn of the event loop leaves in one write, which costs as much as for one command. */
export function writeTogether({ stream }: Redis): void {
  if (stream.writableCorked > 0) return;
  stream.cork();
  setImmediate(() => stream.uncork());
}
