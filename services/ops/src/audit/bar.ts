import type { Writable } from 'node:stream';
import { Presets, SingleBar } from 'cli-progress';

export interface CallsBar {
  /** @param calls of the users that are done */
  update(calls: number, users: number): void;
  /** Makes room for a line of text above the bar. */
  clear(): void;
  stop(): void;
}

/**
 * How far a walk over users is, by their calls: a bar with rate and time left on a terminal, nothing elsewhere.
 * @param total about how many calls there are
 * @param done calls that were done before
 */
export function callsBar(stream: Writable & { isTTY?: boolean }, total: number, done: number): CallsBar {
  if (!stream.isTTY) return { update() {}, clear() {}, stop() {} };
  const format = '{bar} {percentage}% | {users} users | {rate} calls/s | {eta_formatted} left';
  const bar = new SingleBar(
    { stream: stream as NodeJS.WritableStream, format, hideCursor: true, clearOnComplete: true, fps: 5 },
    Presets.shades_classic,
  );
  const began = performance.now();
  bar.start(Math.max(total, done), done, { users: 0, rate: 0 });
  return {
    update(calls, users) {
      const rate = Math.round(((calls - done) * 1_000) / (performance.now() - began));
      // The estimate may be below what is there.
      if (calls > bar.getTotal()) bar.setTotal(calls);
      bar.update(calls, { users, rate });
    },
    clear: () => void stream.write('\r\x1b[K'),
    stop: () => bar.stop(),
  };
}
