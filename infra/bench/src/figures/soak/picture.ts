import { type Curve, picture } from '../../picture.ts';
import type { Vitals } from '../../vitals.ts';

export type Seen = Record<'api' | 'ingest', Vitals>;

/** Memory of both processes over time. @param seen at even distances */
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
