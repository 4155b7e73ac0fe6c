import type { UserCalls } from '@calltally/store';
import { inPieces } from './in-order.ts';

export const USERS_A_GROUP = 200;
/** So few that they are read, and summed in this process: see `readsFew` of `Tallies`. Corrections count, too. */
const CALLS_A_GROUP = 8_000;

/** Users whose rows are added up together. */
export function groupsOf(
  pages: AsyncIterable<readonly UserCalls[]> | readonly UserCalls[][],
): AsyncGenerator<UserCalls[]> {
  return inPieces(pages, USERS_A_GROUP, { of: ({ calls }) => calls, max: CALLS_A_GROUP });
}
