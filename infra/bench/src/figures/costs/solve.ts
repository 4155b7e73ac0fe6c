/**
 * Solves as many linear equations as there are unknowns. Each row is the factors, then the sum. Costs are never negative: what
 * noise makes so is 0.
 */
export function solve(equations: readonly (readonly number[])[]): number[] {
  const rows = equations.map((row) => [...row]);
  for (let column = 0; column < rows.length; column++) {
    const pivot = rows.slice(column).reduce((best, row) => (largerAt(column, row, best) ? row : best));
    if (pivot[column] === 0) throw new Error('these equations have no single solution');
    rows.splice(rows.indexOf(pivot), 1, rows[column]!);
    rows[column] = pivot;
    for (const row of rows) {
      if (row === pivot) continue;
      const factor = row[column]! / pivot[column]!;
      for (let i = column; i < row.length; i++) row[i]! -= factor * pivot[i]!;
    }
  }
  return rows.map((row, i) => Math.max(0, row.at(-1)! / row[i]!));
}

function largerAt(column: number, a: readonly number[], b: readonly number[]): boolean {
  return Math.abs(a[column]!) > Math.abs(b[column]!);
}
