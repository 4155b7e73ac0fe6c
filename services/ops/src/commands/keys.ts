import { formatInstant } from '@calltally/domain';
import type { ApiKeyRow, ApiKeyScope } from '@calltally/store';
import { type Command, Option } from 'commander';
import type { Context } from '../context.ts';
import { CommandError } from '../failure.ts';
import { parseExpiry } from '../key-expiry.ts';
import { requireUserId } from '../options.ts';
import { table } from '../table.ts';

interface CreateOptions {
  user?: string;
  platform?: true;
  scope: ApiKeyScope;
  name?: string;
  expires?: string;
  json?: true;
}

const NAME = /^[^\p{C}]{1,100}$/u;
const CREATE_EXAMPLES = `
Examples:
  $ calltally keys create --user acme
  $ calltally keys create --user acme --name "wall display" --expires 90d
  $ calltally keys create --user acme --expires 2027-03-01 --json
  $ calltally keys create --user acme --scope write
  $ calltally keys create --platform --scope write --name "backend"`;
const LIST_EXAMPLES = `
Examples:
  $ calltally keys list
  $ calltally keys list --user acme --json`;
const REVOKE_EXAMPLES = `
Example:
  $ calltally keys revoke key_0f1e2d3c4b5a697887`;

/** `keys create`, `keys list` and `keys revoke`. */
export function addKeys(program: Command, context: Context): void {
  const keys = program.command('keys').description('API keys of users');
  keys
    .command('create')
    .description('create an API key; the key is shown this once')
    .option('--user <user_id>', 'the user whose calls the key may read, or send')
    .addOption(
      new Option('--platform', 'a key that names any user, for the backend of a platform').conflicts('user'),
    )
    .addOption(
      new Option('--scope <scope>', 'read: dashboards; write: POST /calls')
        .choices(['read', 'write'])
        .default('read'),
    )
    .option('--name <name>', 'what the key is for, at most 100 characters')
    .option(
      '--expires <when>',
      'days (90d), the last date on which it is valid, or a date-time; default never',
    )
    .option(
      '--json',
      'print {"api_key", "key_id", "user_id" or "platform", "scope"}, and "name", "expires_at" where given',
    )
    .addHelpText('after', CREATE_EXAMPLES)
    .action((options: CreateOptions, command: Command) => createKey(options, command, context));
  keys
    .command('list')
    .description('list API keys, newest first; the keys themselves are not stored')
    .option('--user <user_id>', 'only keys of this user')
    .option('--json', 'print {"keys": [{"key_id", "user_id", "scope", "state", "name", "created_at", …}]}')
    .addHelpText('after', LIST_EXAMPLES)
    .action((options: { user?: string; json?: true }) => listKeys(options, context));
  keys
    .command('revoke')
    .description('revoke a key for good, everywhere within 2 seconds')
    .argument('<key_id>', 'as keys create and keys list show it')
    .option('--json', 'print {"key_id", "user_id", "state", "revoked_at", …}')
    .addHelpText('after', REVOKE_EXAMPLES)
    .action((keyId: string, options: { json?: true }) => revokeKey(keyId, options, context));
}

async function createKey(options: CreateOptions, command: Command, context: Context): Promise<void> {
  const { user, scope, name, expires, json } = options;
  if (user === undefined && !options.platform) command.error('error: give --user, or --platform');
  const owner = user === undefined ? { platform: true as const } : { userId: requireUserId(user) };
  if (name !== undefined && !NAME.test(name)) {
    throw new CommandError('NAME_INVALID', '--name is 1 to 100 characters, none of them a control character');
  }
  const expiresAt = expires === undefined ? undefined : parseExpiry(expires, Date.now());
  const key = { ...owner, scope, ...(name !== undefined && { name }), ...(expiresAt && { expiresAt }) };
  const { apiKey, row } = await context.withStore((store) => store.apiKeys.create(key));
  const { state, created_at, ...view } = keyView(row, Date.now());
  if (json) return context.printJson({ api_key: apiKey, ...view });
  context.print(apiKey);
  context.print('');
  context.print('This is the only time the key is shown; keep it as you would a password.');
  context.print(`key id   ${view.key_id}   (calltally keys revoke ${view.key_id})`);
  context.print(`user     ${view.user_id ?? 'any: it is a platform key'}`);
  context.print(`scope    ${scope}`);
  if (name !== undefined) context.print(`name     ${name}`);
  context.print(`expires  ${view.expires_at ?? 'never'}`);
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
  const cells = keys.map(({ key_id, user_id, scope, state, created_at, expires_at, name }) => {
    // Any word could be the id of a user, so the scope tells platform keys.
    const [whose, may] = user_id === undefined ? ['*', `platform ${scope}`] : [user_id, scope];
    return [key_id, whose, may, state, created_at, expires_at ?? 'never', name ?? ''];
  });
  const headings = ['KEY ID', 'USER', 'SCOPE', 'STATE', 'CREATED', 'EXPIRES', 'NAME'];
  for (const line of table(headings, cells)) context.print(line);
}

async function revokeKey(keyId: string, { json }: { json?: true }, context: Context): Promise<void> {
  // Somebody may paste the key itself here. It must not appear in a log of standard error.
  const row = keyId.startsWith('key_')
    ? await context.withStore((store) => store.apiKeys.revoke(keyId))
    : undefined;
  if (row === undefined) {
    throw new CommandError('KEY_UNKNOWN', 'there is no key of this id; keys list shows the ids (key_…)');
  }
  const key = keyView(row, Date.now());
  if (json) return context.printJson(key);
  context.print(`${key.key_id} of ${key.user_id ?? 'the platform'} is revoked since ${key.revoked_at}`);
}

/** An API key without its hash. Times are RFC 3339 in UTC. */
function keyView(row: ApiKeyRow, nowMs: number) {
  const { _id, user_id, platform, scope = 'read', name, created_at, expires_at, revoked_at } = row;
  const isExpired = expires_at !== undefined && expires_at.getTime() <= nowMs;
  return {
    key_id: _id,
    ...(user_id !== undefined && { user_id }),
    ...(platform && { platform }),
    scope,
    state: revoked_at !== undefined ? 'revoked' : isExpired ? 'expired' : 'active',
    ...(name !== undefined && { name }),
    created_at: formatInstant(created_at.getTime()),
    ...(expires_at && { expires_at: formatInstant(expires_at.getTime()) }),
    ...(revoked_at && { revoked_at: formatInstant(revoked_at.getTime()) }),
  };
}
