import type { Writable } from 'node:stream';
import { Presets, SingleBar } from 'cli-progress';

export interface ProgressBar {
  /** @param doneBytes what was read so far */
  update(doneBytes: number, published: number): void;
  /** Makes room for a line of text above the bar. */
  clear(): void;
  stop(): void;
}

const SILENT: ProgressBar = { update() {}, clear() {}, stop() {} };

/** A bar on a terminal, nothing elsewhere. @param totalBytes undefined where the end is not known */
export function createProgress(
  stream: Writable & { isTTY?: boolean },
  totalBytes: number | undefined,
): ProgressBar {
  if (!stream.isTTY) return SILENT;
  const format =
    totalBytes === undefined
      ? '{published} events published, {duration_formatted}'
      : '{bar} {percentage}% | {published} events published | {eta_formatted} left';
  const bar = new SingleBar(
    { stream: stream as NodeJS.WritableStream, format, hideCursor: true, clearOnComplete: true, fps: 5 },
    Presets.shades_classic,
  );
  bar.start(totalBytes ?? 0, 0, { published: 0 });
  return {
    update: (doneBytes, published) => bar.update(doneBytes, { published }),
    clear: () => void stream.write('\r\x1b[K'),
    stop: () => bar.stop(),
  };
}
