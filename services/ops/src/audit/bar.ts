import type { Writable } from 'node:stream';
import { Presets, SingleBar } from 'cli-progress';

export interface RowsBar {
  /** @param of about how many rows there are */
  update(rows: number, of: number, users: number): void;
  stop(): void;
}

/**
 * How far a walk over users is, by their rows: a bar with rate and time left on a terminal, nothing elsewhere.
 * @param done rows that were done before
 */
export function rowsBar(stream: Writable & { isTTY?: boolean }, of: number, done: number): RowsBar {
  if (!stream.isTTY) return { update() {}, stop() {} };
  const format = '{bar} {percentage}% | {users} users | {rate} rows/s | {eta_formatted} left';
  const bar = new SingleBar(
    { stream: stream as NodeJS.WritableStream, format, hideCursor: true, clearOnComplete: true, fps: 5 },
    Presets.shades_classic,
  );
  const began = performance.now();
  bar.start(of, done, { users: 0, rate: 0 });
  return {
    update(rows, of, users) {
      const rate = Math.round(((rows - done) * 1_000) / (performance.now() - began));
      if (of !== bar.getTotal()) bar.setTotal(of);
      bar.update(rows, { users, rate });
    },
    stop: () => bar.stop(),
  };
}
