import { formatInstant } from '@calltally/domain';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { CommandError } from '../failure.ts';
import { parseExpiry } from '../key-expiry.ts';
import { requireUserId } from '../user-id.ts';

interface Options {
  user: string;
  name?: string;
  expires?: string;
  json?: true;
}

const NAME = /^[^\p{C}]{1,100}$/u;
const EXAMPLES = `
Examples:
  $ calltally keys create --user acme
  $ calltally keys create --user acme --name "wall display" --expires 90d
  $ calltally keys create --user acme --expires 2027-03-01 --json`;

/** `keys create`: makes a key and shows it, which nothing can do again. */
export function addKeysCreate(keys: Command, context: Context): void {
  keys
    .command('create')
    .description('make an API key for a user; the key is shown this once')
    .requiredOption('--user <user_id>', 'whose calls the key may read')
    .option('--name <name>', 'what the key is for, at most 100 characters')
    .option('--expires <when>', 'days (90d), a date it still holds for, or a date-time; never unless given')
    .option('--json', 'print {"api_key", "key_id", "user_id"}, and "name", "expires_at" where given')
    .addHelpText('after', EXAMPLES)
    .action((options: Options) => createKey(options, context));
}

async function createKey({ user, name, expires, json }: Options, context: Context): Promise<void> {
  const userId = requireUserId(user);
  if (name !== undefined && !NAME.test(name)) {
    throw new CommandError('NAME_INVALID', '--name is 1 to 100 characters, none of them a control character');
  }
  const expiresAt = expires === undefined ? undefined : parseExpiry(expires, Date.now());
  const key = { userId, ...(name !== undefined && { name }), ...(expiresAt && { expiresAt }) };
  const { apiKey, row } = await context.withStore((store) => store.apiKeys.create(key));
  const expiry = expiresAt && formatInstant(expiresAt.getTime());
  if (json) {
    context.printJson({
      api_key: apiKey,
      key_id: row._id,
      user_id: row.user_id,
      ...(name !== undefined && { name }),
      ...(expiry && { expires_at: expiry }),
    });
    return;
  }
  context.print(apiKey);
  context.print('');
  context.print(`This is the only time the key is shown; keep it as you would a password.`);
  context.print(`key id   ${row._id}   (calltally keys revoke ${row._id})`);
  context.print(`user     ${row.user_id}`);
  if (name !== undefined) context.print(`name     ${name}`);
  context.print(`expires  ${expiry ?? 'never'}`);
}
