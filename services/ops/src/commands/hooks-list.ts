import type { HookRow } from '@calltally/store';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { hookView, userText } from '../hooks/hook-view.ts';
import { requireUserId } from '../options.ts';
import { table } from '../table.ts';

interface Options {
  user?: string;
  json?: true;
}

const HELP = `
Secrets are not shown. KEYS are the ids of HOOK_KEYS that have encrypted them.

Examples:
  $ calltally hooks list
  $ calltally hooks list --user acme --json`;

/** `hooks list`: the hooks that were not deleted. */
export function addHooksList(hooks: Command, context: Context): void {
  hooks
    .command('list')
    .description('list hooks, newest first, without their secrets')
    .option('--user <user_id>', "only hooks that always bring this user's calls")
    .option('--json', 'print {"hooks": [{"hook_id", "address", "provider", "secrets", …}], "old_keys"}')
    .addHelpText('after', HELP)
    .action((options: Options) => list(options, context));
}

async function list({ user, json }: Options, context: Context): Promise<void> {
  const userId = user === undefined ? undefined : requireUserId(user);
  const { publicUrl, keys } = context.settings().hooks;
  const rows = await context.withStore((store) => store.hooks.list(userId));
  const old = oldKeys(rows, keys[0]?.id);
  const views = rows.map((row) => hookView(row, publicUrl));
  if (json) return context.printJson({ hooks: views, old_keys: old });
  if (rows.length === 0) return context.print('no hooks');
  const cells = rows.map((row, i) => {
    const { address, created_at, name } = views[i]!;
    return [row._id, userText(row), [...keysOf(row)].join(' ') || '–', created_at, name ?? '', address];
  });
  for (const line of table(['HOOK ID', 'USER', 'KEYS', 'CREATED', 'NAME', 'ADDRESS'], cells)) {
    context.print(line);
  }
  if (old.length > 0 && keys.length > 0) {
    context.warn(
      `still needed of HOOK_KEYS: ${old.join(', ')}; hooks rekey encrypts by ${keys[0]!.id} instead`,
    );
  }
}

/** The keys but the first one that secrets still need. */
export function oldKeys(rows: readonly HookRow[], firstKeyId: string | undefined): string[] {
  const all = new Set(rows.flatMap((row) => [...keysOf(row)]));
  return [...all].filter((id) => id !== firstKeyId).sort();
}

function keysOf({ secrets }: HookRow): Set<string> {
  return new Set(secrets.flatMap(({ key_id }) => key_id ?? []));
}
