import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { CommandError } from '../failure.ts';
import { keyView } from '../key-view.ts';

const EXAMPLES = `
Example:
  $ calltally keys revoke key_0f1e2d3c4b5a697887`;

/** `keys revoke`: for good. A key that was revoked before is as revoked as was asked. */
export function addKeysRevoke(keys: Command, context: Context): void {
  keys
    .command('revoke')
    .description('refuse a key for good, everywhere within 2 seconds')
    .argument('<key_id>', 'as keys create and keys list show it')
    .option('--json', 'print {"key_id", "user_id", "state", "revoked_at", …}')
    .addHelpText('after', EXAMPLES)
    .action((keyId: string, options: { json?: true }) => revokeKey(keyId, options, context));
}

async function revokeKey(keyId: string, { json }: { json?: true }, context: Context): Promise<void> {
  // Who pastes the key itself here must not find it again in a log of standard error.
  const row = keyId.startsWith('key_')
    ? await context.withStore((store) => store.apiKeys.revoke(keyId))
    : undefined;
  if (row === undefined) {
    throw new CommandError('KEY_UNKNOWN', 'there is no key of this id; keys list shows the ids (key_…)');
  }
  const key = keyView(row, Date.now());
  if (json) return context.printJson(key);
  context.print(`${key.key_id} of ${key.user_id} is revoked since ${key.revoked_at}`);
}
