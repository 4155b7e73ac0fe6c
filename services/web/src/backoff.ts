const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

/**
 * How long to wait before the next try, after `failures` in a row (1 at least). Half of it is chance, so that a
 * thousand pages do not come back to a restarted server in the same moment.
 */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const fullMs = Math.min(FIRST_MS * 2 ** (failures - 1), LONGEST_MS);
  return Math.round(fullMs * (0.5 + random() / 2));
}
