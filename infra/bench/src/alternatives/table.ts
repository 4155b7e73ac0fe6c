import type { Result } from '../results.ts';
import { median, shown, spread } from '../statistics.ts';
import { tableOf } from '../table.ts';
import { ALTERNATIVES, CELLS, readLine, titleOf, writeLine } from './lines.ts';

/**
 * Four Markdown tables: latencies, requests a second and processor time, each by user and range; calls written a second
 * and processor time for each.
 */
export function alternativesTable(results: readonly Result[]): string {
  const byName = new Map(results.map((result) => [result.name, result]));
  const titles = ALTERNATIVES.map(({ title }) => title);
  const rows = (ours: (result: Result) => string, other: (result: Result) => string) =>
    CELLS.map((cell) => {
      const found = ALTERNATIVES.map(({ name }) => byName.get(readLine(cell, name))!);
      return [
        shown(found[0]!.samples[0]!.calls!),
        titleOf(cell.range),
        ours(found[0]!),
        ...found.map((result) => other(result)),
      ];
    });
  const head = ['calls', 'range', 'calltally', ...titles];
  const writes = ALTERNATIVES.map(({ name }) => byName.get(writeLine(name))!);
  return [
    'Milliseconds until an answer: half take no longer (least and greatest of the rounds) / 99 of 100 take no longer.',
    tableOf(head, rows(latency('ours', 'oursP99'), latency('other', 'otherP99'))),
    'Requests a second.',
    tableOf(head, rows(details('oursPerSecond'), details('otherPerSecond'))),
    'Processor time of the server and its stores for a request, µs.',
    tableOf(head, rows(details('oursUs'), details('otherUs'))),
    'Calls written, sums kept along where there are any.',
    tableOf(
      ['', 'calltally', ...titles],
      [
        ['calls a second', details('ours')(writes[0]!), ...writes.map(details('other'))],
        ['processor time for a call, µs', details('oursUs')(writes[0]!), ...writes.map(details('otherUs'))],
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

/** Median, with the minimum and maximum of the rounds in brackets. */
function details(detail: string) {
  return (result: Result) => {
    const values = valuesOf(result, detail);
    const { min, max } = spread(values);
    return `${shown(median(values))} (${shown(min)}–${shown(max)})`;
  };
}

function valuesOf({ samples }: Result, detail: string): number[] {
  return samples.map((sample) => sample[detail]!);
}
