import type { Writable } from 'node:stream';
import { Presets, SingleBar } from 'cli-progress';

export interface ProgressBar {
  /** @param values what `format` names beside `{value}`, `{total}` and `{rate}` */
  update(done: number, total: number, values?: Record<string, number>): void;
  /** Makes room for a line of text above the bar. */
  clear(): void;
  stop(): void;
}

/**
 * A progress bar on a terminal, nothing elsewhere. It shows from the first update on, until it is stopped.
 * @param format as cli-progress has it; `{rate}` is what was done per second
 * @param doneBefore what an earlier run has done, which does not count for the rate
 */
export function progressBar(
  stream: Writable & { isTTY?: boolean },
  format: string,
  doneBefore = 0,
): ProgressBar {
  if (!stream.isTTY) return { update() {}, clear() {}, stop() {} };
  const bar = new SingleBar(
    { stream: stream as NodeJS.WritableStream, format, hideCursor: true, clearOnComplete: true, fps: 5 },
    Presets.shades_classic,
  );
  const startedAtMs = performance.now();
  let isStopped = false;
  return {
    update(done, total, values = {}) {
      // Started again, its timer would keep the process alive.
      if (isStopped) return;
      const rate = Math.round(((done - doneBefore) * 1_000) / (performance.now() - startedAtMs));
      if (!bar.isActive) bar.start(total, done, { ...values, rate });
      if (total !== bar.getTotal()) bar.setTotal(total);
      bar.update(done, { ...values, rate });
    },
    clear: () => void stream.write('\r\x1b[K'),
    stop() {
      isStopped = true;
      if (bar.isActive) bar.stop();
    },
  };
}
