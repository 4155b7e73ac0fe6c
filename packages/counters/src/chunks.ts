/*
 * Chunks of sums as lua/add-detail.lua writes them: calls and ms of up to 16 neighbours, in as few bytes as they need.
 */

/** Bytes of calls and of ms, by form from 1. */
const WIDTHS = [
  [1, 3],
  [2, 4],
  [4, 8],
] as const;
/** Form, and which sums follow. */
const HEAD_BYTES = 3;
const PLACES = 16;

/** Tells each sum of a chunk by its place, from 0. Left out are those whose calls were all taken back. */
export function readChunk(
  chunk: Buffer,
  visit: (place: number, calls: number, durationMs: number) => void,
): void {
  const [callsBytes, durationBytes] = WIDTHS[chunk[0]! - 1]!;
  const present = chunk.readUInt16LE(1);
  let at = HEAD_BYTES;
  for (let place = 0; place < PLACES; place++) {
    if (((present >> place) & 1) === 0) continue;
    const calls = chunk.readIntLE(at, callsBytes);
    const durationMs = readInteger(chunk, at + callsBytes, durationBytes);
    at += callsBytes + durationBytes;
    if (calls !== 0 || durationMs !== 0) visit(place, calls, durationMs);
  }
}

/** `readIntLE` reads 6 bytes at most. */
function readInteger(value: Buffer, at: number, bytes: 3 | 4 | 8): number {
  if (bytes < 8) return value.readIntLE(at, bytes);
  return value.readInt32LE(at + 4) * 2 ** 32 + value.readUInt32LE(at);
}
