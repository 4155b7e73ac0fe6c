import { type Curve, picture } from '../../picture.ts';
import type { Metrics } from '../../processes.ts';
import type { Sample } from '../../results.ts';
import { percentile } from '../../statistics.ts';

export type Seen = Record<'api' | 'ingest', Metrics>;

/** Draws the memory of both processes over time. @param seen at equal intervals */
export function drawMemory(seen: readonly Seen[], everySeconds: number): string {
  const curve = (name: string, of: (one: Seen) => number): Curve => ({
    name,
    points: seen.map((one, i) => ({ x: ((i + 1) * everySeconds) / 60, values: [of(one)] })),
    plain: true,
  });
  return picture('Memory under steady traffic', [
    {
      x: { title: 'minutes', scale: 'linear', max: Math.ceil((seen.length * everySeconds) / 60) },
      y: { title: 'MiB', scale: 'linear' },
      curves: [
        curve('API, from the system', ({ api }) => api.memoryMiB),
        curve('its heap', ({ api }) => api.heapMiB),
        curve('ingest, from the system', ({ ingest }) => ingest.memoryMiB),
        curve('heap of ingest', ({ ingest }) => ingest.heapMiB),
      ],
    },
  ]);
}

/**
 * Compares the last third of the time with the middle one. The first third is left out, because caches fill and code is
 * compiled.
 * @param values at equal intervals
 * @param share the quantile that stands for a third: the median at 0.5
 */
export function lastThird(values: readonly number[], share: number): Sample {
  const third = Math.floor(values.length / 3);
  const last = values.slice(-third);
  const middle = values.slice(-2 * third, -third);
  return { ours: percentile(last, share), other: percentile(middle, share), most: Math.max(...values) };
}
