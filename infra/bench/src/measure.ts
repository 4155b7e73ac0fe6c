import type { Bench } from './bench.ts';
import type { Figure, Note, Sample } from './figure.ts';
import { type Result, resultOf } from './results.ts';
import { shown } from './table.ts';

/** Measures a figure to its end; says each sample as it is taken. */
export async function measure(bench: Bench, figure: Figure, proves: boolean): Promise<Result[]> {
  const samples = new Map<string, Sample[]>(figure.lines.map(({ name }) => [name, []]));
  const note: Note = (name, sample) => {
    samples.get(name)!.push(sample);
    const values = Object.entries(sample).map(([key, value]) => `${key} ${shown(value)}`);
    bench.say(`${name}: ${values.join(', ')}`);
  };
  await figure.measure(bench, note, (name) => samples.delete(name));
  const measured = figure.lines.filter(({ name }) => samples.has(name));
  return measured.map((line) => resultOf(line, samples.get(line.name)!, proves));
}
