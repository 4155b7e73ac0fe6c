import { CommandError } from '../failure.ts';
import { REMEDY } from './witness.ts';

/** Measured, see the README. */
const USER_BYTES = 400;
const USER_DAY_BYTES = 85;
/** Below what Node gives itself on a machine with 4 GB. */
const SUMS_BYTES_MAX = 1_500_000_000;
/** Of 220 bytes each. */
const WAITING_MAX = 1_000_000;
const STATE = 'counters stay unknown to Redis and are answered from Mongo';

export interface MemoryUse {
  users: number;
  /** Entries of a user and a UTC day. */
  userDays: number;
  /** Events that wait for ingest. */
  waiting: number;
}

/** @throws CommandError TOPIC_TOO_LARGE, INGEST_BEHIND */
export function requireMemory({ users, userDays, waiting }: MemoryUse): void {
  if (users * USER_BYTES + userDays * USER_DAY_BYTES > SUMS_BYTES_MAX) {
    throw new CommandError(
      'TOPIC_TOO_LARGE',
      `the sums of ${users} users on ${userDays} days in all need more memory than ${SUMS_BYTES_MAX / 1e9} GB; ${STATE}; ${REMEDY}`,
    );
  }
  if (waiting > WAITING_MAX) {
    throw new CommandError(
      'INGEST_BEHIND',
      `ingest is more than ${WAITING_MAX} events behind; ${STATE}; run the command again when \`calltally lag\` says less`,
    );
  }
}
