import type { Writable } from 'node:stream';
import { Presets, SingleBar } from 'cli-progress';

export interface ReplayBar {
  update(done: number, perSecond: number): void;
  stop(): void;
}

/** How far reading a topic is: a bar with rate and time left on a terminal, nothing elsewhere. */
export function replayBar(
  stream: Writable & { isTTY?: boolean },
  total: number,
  unit = 'offsets',
): ReplayBar {
  if (!stream.isTTY) return { update() {}, stop() {} };
  const format = `{bar} {percentage}% | {value} of {total} ${unit} | {rate}/s | {eta_formatted} left`;
  const bar = new SingleBar(
    { stream: stream as NodeJS.WritableStream, format, hideCursor: true, clearOnComplete: true, fps: 5 },
    Presets.shades_classic,
  );
  bar.start(total, 0, { rate: 0 });
  return {
    update: (done, perSecond) => bar.update(done, { rate: Math.round(perSecond) }),
    stop: () => bar.stop(),
  };
}
