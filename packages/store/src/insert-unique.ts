import { type Collection, type Db, type Document, MongoServerError } from 'mongodb';
import { DUPLICATE_KEY } from './errors.ts';

/**
 * Inserts documents of distinct ids (majority), each on its own. By the command itself: `insertMany` of the driver does
 * as much work for each document as writing it takes. The driver does not repeat commands either; our callers do.
 * @param atOnceMax so many fit into one command, which takes 16 MiB
 * @returns the ids that were taken
 */
export async function insertUnique<T extends { _id: string }>(
  db: Db,
  { collectionName }: Collection<T>,
  documents: readonly T[],
  atOnceMax: number,
): Promise<string[]> {
  const taken: string[] = [];
  // Sorted, so that concurrent batches take their locks in one order and never deadlock.
  const sorted = documents.toSorted((a, b) => (a._id < b._id ? -1 : 1));
  for (let at = 0; at < sorted.length; at += atOnceMax) {
    const some = sorted.slice(at, at + atOnceMax);
    const reply = await db.command(
      { insert: collectionName, documents: some, ordered: false, writeConcern: { w: 'majority' } },
      { ignoreUndefined: true },
    );
    const errors: Document[] = reply.writeErrors ?? [];
    // An unmet write concern makes every document of the command uncertain; so does any other error.
    const other = errors.find(({ code }) => code !== DUPLICATE_KEY) ?? reply.writeConcernError;
    if (other !== undefined) throw new MongoServerError({ ...other, message: other.errmsg });
    for (const { index } of errors) taken.push(some[index]!._id);
  }
  return taken;
}
