import { auditUsers, type LedgerContext } from '@calltally/ledger';
import { CommandError } from '../failure.ts';

/**
 * Refuses a user id without calls. Comparing such a user finds nothing wrong, which would hide a misspelt id.
 * @throws CommandError USER_UNKNOWN if neither Mongo nor Redis knows a call of this user; CountersError, StoreError
 */
export async function requireKnown(ledger: LedgerContext, userId: string): Promise<void> {
  if ((await ledger.store.users.callsOf(userId)) > 0) return;
  const { cold } = await auditUsers(ledger, [userId]);
  if (cold.length === 0) return;
  throw new CommandError(
    'USER_UNKNOWN',
    `no call of user ${JSON.stringify(userId)} was counted; check that the id is spelled as in the events`,
  );
}
