import { ensureGenerations } from '@calltally/counters';
import { partitionId } from '@calltally/store';
import type { LedgerContext } from './ledger-context.ts';

/**
 * Throws everybody's counters away: begins another generation on every master, in which nobody is known, so that
 * dashboards are answered from Mongo until somebody is filled in. Ingest finds that its generation is over and begins
 * again by itself. The checkpoints claim what is stored, which holds for a user who is not known: they are opened at no less.
 *
 * @param ledger is over then
 * @throws CountersError, StoreError
 */
export async function discardCounters(
  { store, session, generations }: LedgerContext,
  stream: number,
  partitions: readonly number[],
): Promise<void> {
  const stored = await store.progress.storedThrough();
  const keys = partitions.map((partition) => partitionId(stream, partition));
  const through = new Map(keys.map((key) => [key, stored.get(key) ?? -1]));
  const before = [...generations.values()];
  const replacing = new Set(before.map(({ id }) => id));
  await ensureGenerations(session, { retentionMonths: before[0]!.retentionMonths, through, replacing });
}
