import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeProcess } from '../../node-process.ts';

const LOOK_EVERY_MS = 250;

/** The most memory that each of some processes had from the system until a signal, MiB. */
export async function memoryPeaks<Name extends string>(
  processes: Record<Name, NodeProcess>,
  over: AbortSignal,
): Promise<Record<Name, number>> {
  const names = Object.keys(processes) as Name[];
  const peaks = Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
  while (!over.aborted) {
    for (const name of names) peaks[name] = Math.max(peaks[name], processes[name].memoryMiB() ?? Number.NaN);
    await sleep(LOOK_EVERY_MS);
  }
  return peaks;
}
