import { escapeUnsafe } from '@calltally/domain';

/** Aligned columns with headings; numbers are aligned to the right. Escapes whatever could control a terminal. */
export function table(
  headings: readonly string[],
  cells: readonly (readonly (string | number)[])[],
): string[] {
  const rows = cells.map((row) => row.map((cell) => (typeof cell === 'number' ? cell : escapeUnsafe(cell))));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => String(row[column] ?? '').length)),
  );
  const line = (row: readonly (string | number)[]) =>
    row
      .map((cell, column) => {
        const isNumber = rows.some((row) => typeof row[column] === 'number');
        const width = widths[column] ?? 0;
        return isNumber ? String(cell).padStart(width) : String(cell).padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [line(headings), ...rows.map(line)];
}
