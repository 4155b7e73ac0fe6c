import type { Collection, Db } from 'mongodb';
import type { ApiKeyRow } from './api-keys.ts';
import type { CallRow } from './call-row.ts';

/** Creates the index that sums over rows are read from. */
export async function indexRows(rows: Collection<CallRow>): Promise<void> {
  await rows.createIndex({ user_id: 1, started_at: 1, duration_ms: 1 });
}

const IN_DATABASE_BEFORE = 'revoked_at_1';
/** Shown in the log of the version that cannot start. */
const KEEPS_OUT = 'rows of a later version: start its ingest';
const INDEX_NOT_FOUND = 27;

/**
 * Creates the index of revocations, under another name than the version before. Its ingest creates the same index before it
 * joins the consumer group, and Mongo refuses one index under two names: so it cannot start any more, by a supervisor or by
 * mistake, and add rows whose ids are those of their calls alone.
 */
export async function keepOutVersionBefore(db: Db): Promise<void> {
  const keys = db.collection<ApiKeyRow>('api_keys');
  await keys.dropIndex(IN_DATABASE_BEFORE).catch((thrown) => {
    if (thrown.code !== INDEX_NOT_FOUND) throw thrown;
  });
  const partialFilterExpression = { revoked_at: { $exists: true } };
  await keys.createIndex({ revoked_at: 1 }, { name: KEEPS_OUT, partialFilterExpression });
}
