import { callOfAnotherUser } from '@calltally/contract';
import { markCounted, record } from '@calltally/ledger';
import type { Audit } from './audit.ts';
import type { Chunk } from './chunk.ts';
import type { Beginning } from './counting.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { IngestMetrics } from './metrics.ts';

/**
 * Takes a chunk into the books, then its dead letters to their topic, then marks it: what comes after this is the
 * commit, and nothing may be committed before its letters are safe. May be repeated at will.
 * @throws StoreError, CountersError, LedgerError, DeadLetterError
 */
export async function recordChunk(
  parts: { deadLetters: DeadLetters; metrics: IngestMetrics; audit: Audit },
  { books, stream, positions, stored }: Beginning,
  chunk: Chunk,
): Promise<void> {
  const { partition, events, rejected, through } = chunk;
  const again = through <= (stored.get(partition) ?? -1);
  const { outcomes, opened } = await record(books, { stream, partition, events, through, again });
  const foreign = events
    .filter((_, i) => outcomes[i] === 'foreign')
    .map(({ call, message }) => ({ message, rejection: callOfAnotherUser(call.callId) }));
  await parts.deadLetters.write(partition, [...rejected, ...foreign]);
  for (const { message, lastOffset } of rejected) {
    if (lastOffset === undefined) continue;
    await books.store.progress.noteUnreadable(stream, partition, Number(message.offset), lastOffset);
  }
  const asOfMs = positions.asOf(partition, through + 1);
  await markCounted(books, { stream, partition, through, asOfMs });

  for (const { call } of events) parts.audit.saw(call.userId);
  const { metrics } = parts;
  const counts = { inserted: 0, redelivered: 0, duplicate: 0, changed: 0, foreign: 0 };
  for (const outcome of outcomes) counts[outcome] += 1;
  const { foreign: stolen, ...taken } = counts;
  for (const [outcome, count] of Object.entries(taken)) metrics.events.inc({ outcome }, count);
  metrics.events.inc({ outcome: 'rejected' }, rejected.length + stolen);
  for (const field of chunk.dropped) metrics.droppedFields.inc({ field });
  metrics.recounts.inc(opened);
}
