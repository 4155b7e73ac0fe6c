import { escapeUnsafe } from '@calltally/domain';

/**
 * Aligned columns with headings; numbers are aligned to the right. Escapes whatever could control a terminal.
 * @param right headings of columns that have numbers as texts
 */
export function table(
  headings: readonly string[],
  cells: readonly (readonly (string | number)[])[],
  right: readonly string[] = [],
): string[] {
  const rows = cells.map((row) => row.map((cell) => (typeof cell === 'number' ? cell : escapeUnsafe(cell))));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => String(row[column] ?? '').length)),
  );
  const isRight = headings.map(
    (heading, column) => right.includes(heading) || rows.some((row) => typeof row[column] === 'number'),
  );
  const line = (row: readonly (string | number)[]) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return isRight[column] ? String(cell).padStart(width) : String(cell).padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [line(headings), ...rows.map(line)];
}
