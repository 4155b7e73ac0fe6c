import { formatInstant } from '@calltally/domain';
import type { HookDefinition } from '@calltally/hooks';
import type { HookRow, HookSecretRow, Store } from '@calltally/store';
import { CommandError } from '../failure.ts';

/** A hook without its secrets. Times are RFC 3339 in UTC. */
export function hookView(row: HookRow, publicUrl: string | undefined) {
  const { _id, provider, name, secrets, created_at } = row;
  const { user, provider: _, ...definition } = definitionIn(row);
  return {
    hook_id: _id,
    address: addressOf(row, publicUrl),
    provider,
    ...(name !== undefined && { name }),
    ...('id' in user ? { user_id: user.id } : { user_from: user.from }),
    ...definition,
    secrets: secrets.map(secretView),
    created_at: formatInstant(created_at.getTime()),
  };
}

/** Where the platform sends webhooks to; without `PUBLIC_URL` the path alone. */
export function addressOf(
  { _id, provider }: Pick<HookRow, '_id' | 'provider'>,
  publicUrl: string | undefined,
) {
  return `${publicUrl ?? ''}/hooks/${provider}/${_id}`;
}

/** Whose calls it brings, for people. */
export function userText(row: HookRow): string {
  const { user } = definitionIn(row);
  return 'id' in user ? user.id : `at ${user.from}`;
}

/** It was checked when the hook was made. */
export function definitionIn({ definition }: HookRow): HookDefinition {
  return definition as unknown as HookDefinition;
}

/** @throws CommandError HOOK_UNKNOWN, which does not repeat the id: somebody may have pasted a secret. StoreError */
export async function requireHook(store: Store, hookId: string): Promise<HookRow> {
  const hook = await store.hooks.find(hookId);
  if (hook === undefined) throw unknownHook();
  return hook;
}

export function unknownHook(): CommandError {
  return new CommandError('HOOK_UNKNOWN', 'there is no hook of this id; hooks list shows the ids (hook_…)');
}

function secretView({ _id, kept, key_id, created_at, expires_at }: HookSecretRow) {
  return {
    secret_id: _id,
    kept,
    ...(key_id !== undefined && { key_id }),
    created_at: formatInstant(created_at.getTime()),
    ...(expires_at && { expires_at: formatInstant(expires_at.getTime()) }),
  };
}
