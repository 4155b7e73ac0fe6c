import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { CommandError } from '../failure.ts';
import { keyView } from '../key-view.ts';
import { table } from '../table.ts';
import { requireUserId } from '../user-id.ts';

const EXAMPLES = `
Examples:
  $ calltally keys list
  $ calltally keys list --user acme --json`;

/** `keys list`: ids, users and states, never a key. */
export function addKeysList(keys: Command, context: Context): void {
  keys
    .command('list')
    .description('the keys there are, newest first; the keys themselves are kept nowhere')
    .option('--user <user_id>', 'only those of one user')
    .option('--json', 'print {"keys": [{"key_id", "user_id", "state", "name", "created_at", …}]}')
    .addHelpText('after', EXAMPLES)
    .action((options: { user?: string; json?: true }) => listKeys(options, context));
}

async function listKeys({ user, json }: { user?: string; json?: true }, context: Context): Promise<void> {
  const userId = user === undefined ? undefined : requireUserId(user);
  const rows = await context.withStore((store) => store.apiKeys.list(userId));
  if (userId !== undefined && rows.length === 0) {
    throw new CommandError(
      'USER_UNKNOWN',
      `user ${userId} has no key; keys create --user ${userId} makes one`,
    );
  }
  const nowMs = Date.now();
  const keys = rows.map((row) => keyView(row, nowMs));
  if (json) return context.printJson({ keys });
  if (keys.length === 0) return context.print('no keys');
  const lines = table(
    ['KEY ID', 'USER', 'STATE', 'CREATED', 'EXPIRES', 'NAME'],
    keys.map((key) => [
      key.key_id,
      key.user_id,
      key.state,
      key.created_at,
      key.expires_at ?? 'never',
      key.name ?? '',
    ]),
  );
  for (const line of lines) context.print(line);
}
