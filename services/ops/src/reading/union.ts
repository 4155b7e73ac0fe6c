import type { OffsetRange } from './cursor.ts';

/** The same offsets in as few spans as possible, in order. */
export function unionOf(spans: readonly OffsetRange[]): OffsetRange[] {
  const union: OffsetRange[] = [];
  for (const span of spans.toSorted((a, b) => a.partition - b.partition || a.from - b.from)) {
    const last = union.at(-1);
    if (last?.partition === span.partition && span.from <= last.until) {
      last.until = Math.max(last.until, span.until);
    } else union.push({ ...span });
  }
  return union;
}
