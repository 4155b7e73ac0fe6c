/** The query for whole UTC days, from that of one instant to that of another, both included. */
export function wholeDays(from: number, until: number): string {
  return `?start_date=${instant(from).slice(0, 10)}&end_date=${instant(until).slice(0, 10)}`;
}

/** The query from one instant until just before another. */
export function cutDays(from: number, until: number): string {
  return `?start_date=${instant(from)}&end_date=${instant(until - 1)}`;
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
