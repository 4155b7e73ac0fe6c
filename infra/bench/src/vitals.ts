import type { NodeProcess } from './node-process.ts';

const MIB = 2 ** 20;

/** What a process says of itself at a moment. */
export interface Vitals {
  /** Memory that it has from the system, MiB. */
  memoryMiB: number;
  /** JavaScript's own memory in use, garbage included, MiB. */
  heapMiB: number;
  /** The sum of a metric over its labels; 0 where it has none yet. */
  sum: (name: string) => number;
}

/** As Prometheus would ask. @throws Error where it does not answer */
export async function vitals({ url }: NodeProcess): Promise<Vitals> {
  const answer = await fetch(`${url}/metrics`);
  if (!answer.ok) throw new Error(`${url}/metrics answers ${answer.status}`);
  const text = await answer.text();
  const sum = (name: string) => {
    const values = text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)`, 'gm'));
    return [...values].reduce((total, [, value]) => total + Number(value), 0);
  };
  return {
    memoryMiB: sum('process_resident_memory_bytes') / MIB,
    heapMiB: sum('nodejs_heap_size_used_bytes') / MIB,
    sum,
  };
}
