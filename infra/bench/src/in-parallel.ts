/** Works on pieces of a list, several at a time. */
export async function inParallel<T>(
  items: Iterable<T>,
  { size, atOnce }: { size: number; atOnce: number },
  work: (piece: T[]) => Promise<unknown>,
): Promise<void> {
  const pieces = inPieces(items, size);
  const worker = async () => {
    for (const piece of pieces) await work(piece);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** All workers share one iterator, so that each takes the next piece. */
function* inPieces<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let piece: T[] = [];
  for (const item of items) {
    piece.push(item);
    if (piece.length < size) continue;
    yield piece;
    piece = [];
  }
  if (piece.length > 0) yield piece;
}
