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

/** Pages of any size as pieces of at most `size`. */
export async function* inPieces<T>(
  pages: AsyncIterable<readonly T[]> | readonly T[][],
  size: number,
): AsyncGenerator<T[]> {
  for await (const page of pages) {
    for (let at = 0; at < page.length; at += size) yield page.slice(at, at + size);
  }
}
