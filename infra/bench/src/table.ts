import { processorTimes, type Result, spreads } from './results.ts';
import { shown } from './statistics.ts';

const HEAD = ['figure', 'ours', 'other', 'unit', 'ratio'];
const JUDGED = ['bound', 'holds'];

/**
 * A Markdown table that is readable as text: medians, with minimum and maximum in brackets. It has a column of processor
 * times if any were measured.
 */
export function table(results: readonly Result[]): string {
  const isTimed = results.some((result) => processorTimes(result) !== undefined);
  const rows = results.map((result) => {
    const { ours, other, ratio } = spreads(result);
    return [
      `\`${result.name}\``,
      cell(result.ours, ours),
      cell(result.other, other),
      result.unit,
      cell(result.ratio, ratio),
      ...(isTimed ? [processorTime(result)] : []),
      bound(result),
      result.holds === undefined ? '–' : result.holds ? 'yes' : '**no**',
    ];
  });
  return tableOf([...HEAD, ...(isTimed ? ['processor time, µs'] : []), ...JUDGED], rows);
}

/** Pads each column to its widest cell. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((text, i) => text.padEnd(widths[i]!)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

function cell(value: number | undefined, range: { min: number; max: number } | undefined): string {
  if (value === undefined || range === undefined) return '–';
  return `${shown(value)} (${shown(range.min)}–${shown(range.max)})`;
}

function processorTime(result: Result): string {
  const times = processorTimes(result);
  return times === undefined ? '–' : `${shown(times.ours)} / ${shown(times.other)}`;
}

function bound({ ratio, atLeast, atMost, unit }: Result): string {
  const measure = ratio === undefined ? ` ${unit}` : '';
  if (atLeast !== undefined) return `≥ ${atLeast}${measure}`;
  if (atMost !== undefined) return `≤ ${atMost}${measure}`;
  return '–';
}
