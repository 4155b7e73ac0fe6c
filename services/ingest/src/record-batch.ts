import { callOfAnotherUser } from '@calltally/contract';
import { record, writeCheckpoint } from '@calltally/ledger';
import type { AssignmentEpoch } from './assignment-epochs.ts';
import type { Auditor } from './auditor.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { DecodedBatch } from './decode-batch.ts';
import type { IngestMetrics } from './metrics.ts';

/**
 * Records a batch in the ledger, writes its dead letters to their topic, then its checkpoint: what comes after this is
 * the commit, and nothing may be committed before its letters are safe. May be repeated at will.
 * @throws StoreError, CountersError, LedgerError, DeadLetterError
 */
export async function recordBatch(
  parts: { deadLetters: DeadLetters; metrics: IngestMetrics; auditor: Auditor },
  { ledger, stream, positions, stored }: AssignmentEpoch,
  batch: DecodedBatch,
): Promise<void> {
  const { partition, events, rejected, through } = batch;
  const again = through <= (stored.get(partition) ?? -1);
  const { outcomes, opened } = await record(ledger, { stream, partition, events, through, again });
  const foreign = events
    .filter((_, i) => outcomes[i] === 'foreign')
    .map(({ call, message }) => ({ message, rejection: callOfAnotherUser(call.callId) }));
  await parts.deadLetters.write(partition, [...rejected, ...foreign]);
  for (const { message, lastOffset } of rejected) {
    if (lastOffset === undefined) continue;
    await ledger.store.progress.noteUnreadable(stream, partition, Number(message.offset), lastOffset);
  }
  const asOfMs = positions.asOf(partition, through + 1);
  await writeCheckpoint(ledger, { stream, partition, through, asOfMs });

  for (const { call } of events) parts.auditor.add(call.userId);
  const { metrics } = parts;
  const counts = { inserted: 0, redelivered: 0, duplicate: 0, changed: 0, foreign: 0 };
  for (const outcome of outcomes) counts[outcome] += 1;
  const { foreign: stolen, ...taken } = counts;
  for (const [outcome, count] of Object.entries(taken)) metrics.events.inc({ outcome }, count);
  metrics.events.inc({ outcome: 'rejected' }, rejected.length + stolen);
  for (const field of batch.dropped) metrics.droppedFields.inc({ field });
  metrics.recounts.inc(opened);
}
