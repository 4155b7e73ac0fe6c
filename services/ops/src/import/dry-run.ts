import type { CallEvent, Rejection } from '@calltally/contract';
import type { Pending } from './import-items.ts';

const FIRST = 5;
const FIRST_INVALID = 10;

/** What an import would do. */
export interface DryRun {
  records: number;
  events: number;
  invalid: number;
  /** Invalid records by code. */
  codes: Record<string, number>;
  first: { line: number; event: CallEvent }[];
  first_invalid: ({ line: number } & Rejection)[];
}

/** Reads all records, and publishes nothing. */
export async function dryRun(
  records: AsyncIterable<Pending>,
  onProgress: (result: DryRun) => void,
): Promise<DryRun> {
  const result: DryRun = {
    records: 0,
    events: 0,
    invalid: 0,
    codes: {},
    first: [],
    first_invalid: [],
  };
  for await (const read of records) {
    const { line, event, rejection } = read();
    result.records++;
    if (rejection === undefined) {
      result.events++;
      if (result.first.length < FIRST) result.first.push({ line, event });
    } else {
      result.invalid++;
      result.codes[rejection.code] = (result.codes[rejection.code] ?? 0) + 1;
      if (result.first_invalid.length < FIRST_INVALID) result.first_invalid.push({ line, ...rejection });
    }
    onProgress(result);
  }
  return result;
}
