/** The list beginning with another one each round, so that everybody is first in some. */
export function rotated<T>(list: readonly T[], round: number): T[] {
  const by = round % list.length;
  return [...list.slice(by), ...list.slice(0, by)];
}
