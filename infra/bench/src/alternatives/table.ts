import type { Result } from '../results.ts';
import { median, shown, spread } from '../statistics.ts';
import { tableOf } from '../table.ts';
import { ALTERNATIVES, CELLS, readLine, titleOf, writeLine } from './names.ts';

const NOT_MEASURED = 'not measured';

/** Three Markdown tables: latencies and requests a second by user and range, and calls written a second. */
export function alternativesTable(results: readonly Result[]): string {
  const byName = new Map(results.map((result) => [result.name, result]));
  const titles = ALTERNATIVES.map(({ title }) => title);
  const rows = (ours: (result: Result) => string, other: (result: Result) => string) =>
    CELLS.map((cell) => {
      const found = ALTERNATIVES.map(({ name }) => byName.get(readLine(cell, name)));
      const any = found.find((result) => result !== undefined)!;
      const others = found.map((result) => (result === undefined ? NOT_MEASURED : other(result)));
      return [shown(any.samples[0]!.calls!), titleOf(cell.range), ours(any), ...others];
    });
  const head = ['calls', 'range', 'calltally', ...titles];
  const writes = ALTERNATIVES.map(({ name }) => byName.get(writeLine(name)));
  const written = (detail: string) =>
    writes.map((result) => (result === undefined ? NOT_MEASURED : details(detail)(result)));
  const counted = writes.find((result) => result !== undefined)!;
  return [
    'Milliseconds until an answer: half take no longer (least and greatest of the rounds) / 99 of 100 take no longer.',
    tableOf(head, rows(latency('ours', 'oursP99'), latency('other', 'otherP99'))),
    'Requests a second.',
    tableOf(head, rows(details('oursPerSecond'), details('otherPerSecond'))),
    'Calls written a second, sums kept along where there are any; in one statement instead of batches of 2 000.',
    tableOf(
      ['', 'calltally', ...titles],
      [
        ['batches', details('ours')(counted), ...written('other')],
        ['one statement', '–', ...written('otherAtOnce')],
      ],
    ),
  ].join('\n\n');
}

function latency(half: string, most: string) {
  return (result: Result) => {
    const p99 = valuesOf(result, most);
    return `${details(half)(result)} / ${shown(median(p99))}`;
  };
}

/** Median, and in brackets the least and the greatest of the rounds. */
function details(detail: string) {
  return (result: Result) => {
    const values = valuesOf(result, detail);
    if (values.length === 0) return '–';
    const { min, max } = spread(values);
    return `${shown(median(values))} (${shown(min)}–${shown(max)})`;
  };
}

function valuesOf({ samples }: Result, detail: string): number[] {
  return samples.flatMap((sample) => (sample[detail] === undefined ? [] : [sample[detail]]));
}
