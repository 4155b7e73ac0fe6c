import { auditUsers, type LedgerContext } from '@calltally/ledger';
import { CommandError } from '../failure.ts';

/**
 * Repairs and comparisons of somebody who never called would say that all is well with a name that was misspelt.
 * @throws CommandError USER_UNKNOWN where neither Mongo nor Redis knows a call of this user; CountersError, StoreError
 */
export async function requireKnown(ledger: LedgerContext, userId: string): Promise<void> {
  if ((await ledger.store.users.callsOf(userId)) > 0) return;
  const { cold } = await auditUsers(ledger, [userId]);
  if (cold.length === 0) return;
  throw new CommandError(
    'USER_UNKNOWN',
    `no call of user ${JSON.stringify(userId)} was counted; see that the id is written as events write it`,
  );
}
