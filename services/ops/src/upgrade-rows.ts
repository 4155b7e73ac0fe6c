import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '@calltally/store';
import type { Admin } from 'kafkajs';
import { CommandError } from './failure.ts';
import { membersOf } from './kafka.ts';

export interface UpgradeHooks {
  /** @param rows copied so far; first those of earlier runs @param estimated about how many there are */
  onCopied(rows: number, estimated: number): void;
  /** Ingest has to stop. Called once, and whenever other processes count. */
  onWaiting(members: readonly string[]): void;
}

export interface Upgraded {
  /** Rows copied, without those that came in the end. */
  rows: number;
  /** False if there was nothing to do. */
  upgraded: boolean;
  /** False if it was stopped before the end. */
  complete: boolean;
}

const POLL_MS = 500;
/** A process that was just starting when others were kept out has joined the group by then. */
const EMPTY_FOR_MS = 5_000;

/**
 * Upgrades the rows in Mongo (`Upgrade`). Ingest of the version before counts until everything is copied but what it counts
 * meanwhile. Then the group must be empty: ingest of this version waits outside it.
 *
 * @throws CommandError ROWS_DIFFER, StoreError, errors of kafkajs; the next run goes on from about here
 */
export async function upgradeRows(
  { upgrade, users }: Pick<Store, 'upgrade' | 'users'>,
  admin: Admin,
  groupId: string,
  hooks: UpgradeHooks,
  signal: AbortSignal,
): Promise<Upgraded> {
  if (!(await upgrade.isNeeded())) {
    // A run that was killed behind the exchange has left it.
    await upgrade.forget();
    return { rows: 0, upgraded: false, complete: true };
  }
  const estimated = await users.estimateCalls();
  let rows = 0;
  for await (rows of upgrade.copy()) {
    hooks.onCopied(rows, Math.max(estimated, rows));
    if (signal.aborted) return { rows, upgraded: false, complete: false };
  }
  await upgrade.keepOut();
  for (;;) {
    await untilEmpty(admin, groupId, hooks, signal);
    if (signal.aborted) return { rows, upgraded: false, complete: false };
    const stored = await upgrade.copyRest();
    if ((await membersOf(admin, groupId)).length > 0) continue;
    const done = await upgrade.exchange(stored);
    if (done === 'exchanged') return { rows, upgraded: true, complete: true };
    if (done === 'different') {
      throw new CommandError(
        'ROWS_DIFFER',
        'the copy has not as many rows as there are, so nothing was exchanged: rows were deleted or brought back meanwhile; run it again, it begins anew',
      );
    }
  }
}

async function untilEmpty(
  admin: Admin,
  groupId: string,
  { onWaiting }: UpgradeHooks,
  signal: AbortSignal,
): Promise<void> {
  let told: string | undefined;
  for (let emptySinceMs: number | undefined; !signal.aborted; ) {
    const members = await membersOf(admin, groupId);
    const nowMs = performance.now();
    emptySinceMs = members.length > 0 ? undefined : (emptySinceMs ?? nowMs);
    if (emptySinceMs !== undefined && nowMs - emptySinceMs >= EMPTY_FOR_MS) return;
    if (members.length > 0 && told !== members.join()) onWaiting(members);
    told = members.join();
    await sleep(POLL_MS, undefined, { signal }).catch(() => {});
  }
}
