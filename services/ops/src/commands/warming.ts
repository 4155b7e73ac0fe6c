import { NOTHING_FILLED, queuedUsers, readFillQueue, readFillStatuses } from '@calltally/counters';
import { formatInstant } from '@calltally/domain';
import type { LedgerContext } from '@calltally/ledger';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { withLedger } from '../ledger-connection.ts';
import { wholeNumber } from '../options.ts';
import { table } from '../table.ts';

/** A user whose counters are not complete. Times are RFC 3339 in UTC. */
interface WarmingUser {
  user_id: string;
  /** Calls that start at or after it are in the counters; null if nothing is filled yet. */
  filled_since: string | null;
  /** Since the counters were opened; null if they are not open yet. */
  waits_seconds: number | null;
}

interface Warming {
  /** How many users wait. */
  waiting: number;
  /** Since when the first of those users waits who have nothing yet; null if there are none. */
  oldest: string | null;
  oldest_seconds: number | null;
  users: WarmingUser[];
}

const LIMIT_MAX = 1_000;
const HELP = `
Users whom Redis did not know, or whose counters were repaired, are filled from Mongo in the background, the newest calls
first, by ingest and the API together. Until then what is missing is answered from Mongo, so no answer is wrong. Users
are listed in the order of their turn. \`calltally rebuild --user\` fills one user now, --all all of them.

Examples:
  $ calltally warming
  $ calltally warming --limit 100 --json`;

/** `warming`: the users whose counters are not complete, and how far they are filled. */
export function addWarming(program: Command, context: Context): void {
  program
    .command('warming')
    .description(
      'users whose counters are being filled from Mongo: how many, since when, and how far they are',
    )
    .option('--limit <n>', `list at most this many, 1 to ${LIMIT_MAX}`, wholeNumber(1, LIMIT_MAX), 20)
    .option('--json', 'print {"waiting", "oldest", "oldest_seconds", "users": […]}')
    .addHelpText('after', HELP)
    .action((options: { limit: number; json?: true }) => showWarming(options, context));
}

async function showWarming({ limit, json }: { limit: number; json?: true }, context: Context): Promise<void> {
  const found = await withLedger(context, (ledger) => readWarming(ledger, limit));
  if (json) return context.printJson(found);
  const { waiting, oldest, oldest_seconds, users } = found;
  if (waiting === 0) return context.print('nobody waits: all counters that were asked for are complete');
  const first =
    oldest === null
      ? 'each of them has a part or is being worked on'
      : `the first has had nothing since ${oldest}, ${oldest_seconds} s`;
  context.print(`${waiting} wait; ${first}`);
  const lines = table(
    ['USER', 'FILLED', 'WAITS (S)'],
    users.map(({ user_id, filled_since, waits_seconds }) => [
      user_id,
      filled_since === null ? 'nothing yet' : `since ${filled_since}`,
      waits_seconds ?? 'not open yet',
    ]),
  );
  for (const line of lines) context.print(line);
  if (users.length < waiting) context.print(`and ${waiting - users.length} more; --limit tells more of them`);
}

/** @throws CountersError */
async function readWarming({ session, generations }: LedgerContext, limit: number): Promise<Warming> {
  const { users: waiting, oldestMs } = await readFillQueue(session);
  const userIds = await queuedUsers(session, limit);
  const statuses = await readFillStatuses(session, generations, userIds);
  const nowMs = Date.now();
  return {
    waiting,
    oldest: oldestMs === undefined ? null : formatInstant(oldestMs),
    oldest_seconds: oldestMs === undefined ? null : secondsFrom(oldestMs, nowMs),
    users: userIds.flatMap((user_id, i): WarmingUser[] => {
      const status = statuses[i]!;
      // Filled since the queue was read.
      if (status === 'complete') return [];
      if (status === 'unknown') return [{ user_id, filled_since: null, waits_seconds: null }];
      const { sinceMs, openedAtMs } = status;
      return [
        {
          user_id,
          filled_since: sinceMs === NOTHING_FILLED ? null : formatInstant(sinceMs),
          waits_seconds: secondsFrom(openedAtMs, nowMs),
        },
      ];
    }),
  };
}

function secondsFrom(ms: number, nowMs: number): number {
  return Math.max(0, Math.round((nowMs - ms) / 1_000));
}
