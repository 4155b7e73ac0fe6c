import { formatInstant } from '@calltally/domain';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { unknownHook } from '../hooks/hook-view.ts';

const HELP = `
Webhooks that still come are refused; what was counted stays. Remove the address at the platform, too.

Example:
  $ calltally hooks delete hook_0f1e2d3c4b5a69788796a5b4`;

/** `hooks delete`: for good. */
export function addHooksDelete(hooks: Command, context: Context): void {
  hooks
    .command('delete')
    .description('delete a hook and its secrets for good')
    .argument('<hook_id>', 'as hooks list shows it')
    .option('--json', 'print {"hook_id", "provider", "deleted_at"}')
    .addHelpText('after', HELP)
    .action((hookId: string, options: { json?: true }) => deleteHook(hookId, options, context));
}

async function deleteHook(hookId: string, { json }: { json?: true }, context: Context): Promise<void> {
  const left = await context.withStore((store) => store.hooks.delete(hookId));
  if (left === undefined) throw unknownHook();
  const { _id, provider } = left;
  const deleted_at = formatInstant(left.deleted_at.getTime());
  if (json) return context.printJson({ hook_id: _id, provider, deleted_at });
  context.print(`${_id} is deleted since ${deleted_at}`);
}
