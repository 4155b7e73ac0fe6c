import type { Writable } from 'node:stream';
import { Presets, SingleBar } from 'cli-progress';

export interface LettersBar {
  update(done: number, all: number): void;
  /** Makes room for a line of text above the bar. */
  clear(): void;
  stop(): void;
}

/** How far the dead letters are read: a bar on a terminal, nothing elsewhere. */
export function lettersBar(stream: Writable & { isTTY?: boolean }): LettersBar {
  if (!stream.isTTY) return { update() {}, clear() {}, stop() {} };
  const format = '{bar} {percentage}% | {value} of {total} letters read | {eta_formatted} left';
  const bar = new SingleBar(
    { stream: stream as NodeJS.WritableStream, format, hideCursor: true, clearOnComplete: true, fps: 5 },
    Presets.shades_classic,
  );
  return {
    update(done, all) {
      if (bar.isActive) bar.update(done);
      else bar.start(all, done);
    },
    clear: () => void stream.write('\r\x1b[K'),
    stop() {
      if (bar.isActive) bar.stop();
    },
  };
}
