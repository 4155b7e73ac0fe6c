import { escapeUnsafe, formatInstant } from '@calltally/domain';
import type { ErasureRow, Store } from '@calltally/store';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { write } from '../io.ts';
import { NUMBER_MAX, wholeNumber } from '../options.ts';
import { safeJson } from '../terminal-safe.ts';

interface Options {
  erased?: true;
  limit?: number;
  json?: true;
}

/** A user with their calls, or an erasure. Times are RFC 3339 in UTC. */
type Listed =
  | { user_id: string; calls: number }
  | { user_id: string; state: string; asked_at: string; finished_at: string | null };

/** A page has many users, and one aggregation counts their rows. */
const STORE_TIMEOUT_MS = 300_000;
const HELP = `
Users are in the order of the bytes of their ids. Calls are rows; one that was corrected is one row. --erased lists those
who were erased instead: keep that list with backups of Mongo, because a backup from before an erasure has neither the
erasure nor the deletion.

Examples:
  $ calltally users list
  $ calltally users list --erased --json`;

/** `users list`: reads page by page, and holds one page. */
export function addUsersList(users: Command, context: Context): void {
  users
    .command('list')
    .description('users who have calls, or who were erased')
    .option('--erased', 'users who were erased, whether they have calls again or not')
    .option('--limit <number>', 'at most this many', wholeNumber(1, NUMBER_MAX))
    .option('--json', 'print {"users": [{"user_id", …}], "more": whether there are others}')
    .addHelpText('after', HELP)
    .action((options: Options) => listUsers(options, context));
}

async function listUsers(options: Options, context: Context): Promise<void> {
  const { erased, limit = Infinity, json } = options;
  const { stdout, signal } = context.io;
  let listed = 0;
  let more = false;
  await context.withStore(async (store) => {
    if (json) await write(stdout, '{"users":[');
    for await (const page of erased ? erasures(store) : usersWithCalls(store)) {
      const some = page.slice(0, limit - listed);
      more = some.length < page.length;
      const texts = some.map(json ? safeJson : textOf);
      const [separator, first] = json ? [',', listed === 0 ? '' : ','] : ['\n', ''];
      if (texts.length > 0) await write(stdout, first + texts.join(separator) + (json ? '' : '\n'));
      listed += some.length;
      if (more || signal.aborted) break;
    }
    if (json) await write(stdout, `],"more":${more}}\n`);
    else context.print(`${listed} ${listed === 1 ? 'user' : 'users'}${more ? ', and there are more' : ''}`);
  }, STORE_TIMEOUT_MS);
}

async function* usersWithCalls({ users }: Store): AsyncGenerator<Listed[]> {
  for await (const page of users.pages()) yield page.map(({ userId, calls }) => ({ user_id: userId, calls }));
}

async function* erasures(store: Store): AsyncGenerator<Listed[]> {
  for await (const page of store.erasures.pages()) yield page.map(erasureView);
}

function erasureView({ _id, state, at, finished_at }: ErasureRow): Listed {
  return {
    user_id: _id,
    state,
    asked_at: formatInstant(at.getTime()),
    finished_at: state === 'finished' ? formatInstant(finished_at!.getTime()) : null,
  };
}

function textOf(one: Listed): string {
  const text =
    'calls' in one
      ? `${one.user_id}  ${one.calls} calls`
      : `${one.user_id}  ${one.finished_at === null ? `not finished, asked for at ${one.asked_at}` : `erased at ${one.finished_at}`}`;
  return escapeUnsafe(text);
}
