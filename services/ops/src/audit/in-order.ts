/**
 * Works on items, `atOnce` of them concurrently, and yields the results in the order of the items, without gaps. Takes
 * no new item once `signal` is aborted, and ends when no work is running any more.
 */
export async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  atOnce: number,
  work: (item: T) => Promise<R>,
  signal: AbortSignal,
): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  try {
    for await (const item of items) {
      if (signal.aborted) break;
      const result = work(item);
      // It may fail before it is awaited.
      result.catch(() => {});
      running.push(result);
      if (running.length >= atOnce) yield await running.shift()!;
    }
    while (running.length > 0) yield await running.shift()!;
  } finally {
    await Promise.allSettled(running);
  }
}

/**
 * Pages of any size as pieces of at most `size` items.
 * @param weights what items weigh, and how much a piece may. It weighs more only if it is a single item
 */
export async function* inPieces<T>(
  pages: AsyncIterable<readonly T[]> | readonly T[][],
  size: number,
  { of: weigh, max }: { of(item: T): number; max: number } = { of: () => 0, max: 0 },
): AsyncGenerator<T[]> {
  for await (const page of pages) {
    let piece: T[] = [];
    let weight = 0;
    for (const item of page) {
      if (piece.length === size || (piece.length > 0 && weight + weigh(item) > max)) {
        yield piece;
        piece = [];
        weight = 0;
      }
      piece.push(item);
      weight += weigh(item);
    }
    if (piece.length > 0) yield piece;
  }
}
