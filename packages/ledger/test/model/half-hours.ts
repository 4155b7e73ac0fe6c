import { dayOf, firstDayOfMonth, type Tally, ZERO_TALLY } from '@calltally/domain';
import type { CallContent } from '@calltally/store';
import { type Bucket, talliesIn } from './cells.ts';
import type { Hashes } from './redis.ts';

const HALF_HOUR_MS = 1_800_000;
const HALF_HOURS_OF_DAY = 48;
const HALF_HOURS_IN_CHUNK = 12;

/** What should be held. */
export function halfHoursOf(contents: readonly CallContent[]): Map<string, Bucket> {
  const sums = new Map<string, Bucket>();
  for (const { started_at, duration_ms } of contents) {
    const halfHour = Math.floor(+started_at / HALF_HOUR_MS);
    const { calls, durationMs } = sums.get(nameOf(halfHour)) ?? ZERO_TALLY;
    add(sums, halfHour, { calls: calls + 1, durationMs: durationMs + duration_ms });
  }
  return sums;
}

/** What Redis holds of a user. Reads hashes as add-detail.lua describes them. */
export function halfHoursIn(hashes: Hashes, userId: string): Map<string, Bucket> {
  const sums = new Map<string, Bucket>();
  const prefix = `ct2:{${userId}}:h:`;
  for (const [key, hash] of hashes) {
    if (!key.startsWith(prefix)) continue;
    const first = firstDayOfMonth(Number(key.slice(prefix.length))) * HALF_HOURS_OF_DAY;
    for (const [chunk, packed] of hash) {
      const firstOfChunk = first + Number(chunk) * HALF_HOURS_IN_CHUNK;
      for (const [halfHour, tally] of talliesIn(firstOfChunk, Buffer.from(packed, 'latin1'))) {
        add(sums, halfHour, tally);
      }
    }
  }
  return sums;
}

function add(sums: Map<string, Bucket>, halfHour: number, tally: Tally): void {
  sums.set(nameOf(halfHour), { ...tally, firstDay: dayOf(halfHour * HALF_HOUR_MS) });
}

function nameOf(halfHour: number): string {
  return `half-hour ${new Date(halfHour * HALF_HOUR_MS).toISOString()}`;
}
