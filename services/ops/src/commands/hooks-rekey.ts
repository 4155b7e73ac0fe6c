import { encryptAgain, SecretKeyError } from '@calltally/hooks';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { CommandError } from '../failure.ts';
import { safeJson } from '../terminal-safe.ts';

const HELP = `
Once it ends with 0 the keys behind the first one are not needed any more, as long as every process has the same first key.

Examples:
  $ calltally hooks rekey
  $ calltally hooks rekey --json`;

/** `hooks rekey`: encrypts all secrets by the first of HOOK_KEYS. Changes no secret. */
export function addHooksRekey(hooks: Command, context: Context): void {
  hooks
    .command('rekey')
    .description('encrypt the secrets of all hooks by the first of HOOK_KEYS, so that others can be removed')
    .option('--json', 'print {"key_id", "changed", "already", "problems"}; problems go to standard error')
    .addHelpText('after', HELP)
    .action((options: { json?: true }) => rekey(options, context));
}

async function rekey({ json }: { json?: true }, context: Context): Promise<void> {
  const { keys } = context.settings().hooks;
  const [first] = keys;
  if (first === undefined)
    throw new CommandError('HOOK_KEYS_MISSING', 'HOOK_KEYS is not set, so nothing can be encrypted');
  const counts = { changed: 0, already: 0, problems: 0 };
  await context.withStore(async (store) => {
    for (const { _id, secrets } of await store.hooks.list()) {
      const isDone = secrets.every((one) => one.kept !== 'encrypted' || one.key_id === first.id);
      try {
        if (!isDone) {
          await store.hooks.change(_id, (hook) => ({
            // One that has expired may be under a key that is gone.
            secrets: hook.secrets
              .filter(({ expires_at }) => expires_at === undefined || expires_at > new Date())
              .map((secret) => encryptAgain(secret, _id, keys)),
          }));
        }
        counts[isDone ? 'already' : 'changed']++;
      } catch (thrown) {
        if (!(thrown instanceof SecretKeyError)) throw thrown;
        counts.problems++;
        context.failed();
        const { code, message } = thrown;
        context.warn(json ? safeJson({ error: { hook: _id, code, message } }) : `${message} (${code})`);
      }
    }
  });
  if (json) return context.printJson({ key_id: first.id, ...counts });
  const { changed, already, problems } = counts;
  context.print(`${changed} hooks changed to ${first.id}, ${already} as they were, ${problems} not`);
}
