import { CountersError } from '@calltally/counters';
import { type Recorded, recordBatch } from '@calltally/ledger';
import { partitionId, StoreError } from '@calltally/store';
import type { Logger } from '@calltally/telemetry';
import type { EachBatchPayload } from 'kafkajs';
import { type AssignmentEpoch, type AssignmentEpochs, codeOf } from './assignment-epochs.ts';
import type { Auditor } from './auditor.ts';
import { Backoff } from './backoff.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { DecodedBatch } from './decode-batch.ts';
import type { HeldPartitions } from './held-partitions.ts';
import type { IngestMetrics } from './metrics.ts';
import type { OffsetCommitter } from './offset-committer.ts';

export interface BatchParts {
  committer: OffsetCommitter;
  epochs: AssignmentEpochs;
  deadLetters: DeadLetters;
  auditor: Auditor;
  held: HeldPartitions;
  metrics: IngestMetrics;
  logger: Logger;
  stopping: AbortSignal;
}

/**
 * Records a batch in the ledger, writes its dead letters, then its checkpoint, and leaves the commit to the committer.
 * Retries until the checkpoint is written: every step is idempotent, and while they fail only this partition waits.
 * Never rejects.
 * @returns false if the batch was given up: ingest is stopping, or another epoch has started
 */
export async function processBatch(
  parts: BatchParts,
  epoch: AssignmentEpoch,
  batch: DecodedBatch,
  commit: EachBatchPayload['commitOffsetsIfNecessary'],
): Promise<boolean> {
  const { epochs, metrics, stopping } = parts;
  const { ledger, checkpoints, stream, positions, stored } = epoch;
  const { partition, events, through } = batch;
  const queue = epoch.queues.of(partition);
  const again = through <= (stored.get(partition) ?? -1);
  const endTimer = metrics.batchSeconds.startTimer();
  let backoff = new Backoff();
  while (!stopping.aborted && epochs.current === epoch) {
    try {
      const recorded = await recordBatch(ledger, { topicEpoch: stream, partition, events, through, again });
      // Before the checkpoint: nothing may be committed until its letters are safe.
      await writeDeadLetters(parts, epoch, batch);
      const userIds = events.map(({ call }) => call.userId);
      await checkpoints.counted(partitionId(stream, partition), through, userIds);
      countOutcomes(metrics, batch, recorded);
    } catch (thrown) {
      const code = codeOf(thrown);
      metrics.failures.inc({ code });
      if (code === 'COUNTERS_MOVED') {
        // Its users are left out from now on. The slots of others may have moved since.
        backoff = new Backoff();
        await backoff.pause(stopping);
        continue;
      }
      parts.logger.warn({ err: thrown, partition, first: batch.first }, 'batch failed, retrying');
      parts.held.failed(partition, code);
      queue.failing = { code, sinceMs: queue.failing?.sinceMs ?? Date.now() };
      await backoff.pause(stopping);
      if (!mayHaveGoneBack(thrown)) continue;
      epochs.invalidate(epoch, thrown);
      return false;
    }
    queue.failing = undefined;
    positions.moved(partition, through + 1);
    for (const { call } of events) parts.auditor.add(call.userId);
    // The group may have given the partition to another member meanwhile.
    if (epochs.current === epoch) parts.committer.enqueue(partition, String(through + 1), commit);
    endTimer();
    return true;
  }
  return false;
}

/** @throws DeadLetterError, StoreError */
async function writeDeadLetters(
  { deadLetters }: BatchParts,
  { ledger, stream }: AssignmentEpoch,
  { partition, rejected }: DecodedBatch,
): Promise<void> {
  await deadLetters.write(partition, rejected);
  for (const { message, lastOffset } of rejected) {
    if (lastOffset === undefined) continue;
    await ledger.store.progress.noteUnreadable(stream, partition, Number(message.offset), lastOffset);
  }
}

function countOutcomes(metrics: IngestMetrics, batch: DecodedBatch, { outcomes, opened }: Recorded): void {
  const counts = {
    inserted: 0,
    corrected: 0,
    redelivered: 0,
    duplicate: 0,
    changed: 0,
    outdated: 0,
    erased: 0,
  };
  for (const outcome of outcomes) counts[outcome] += 1;
  for (const [outcome, count] of Object.entries(counts)) metrics.events.inc({ outcome }, count);
  metrics.events.inc({ outcome: 'rejected' }, batch.rejected.length);
  for (const field of batch.dropped) metrics.droppedFields.inc({ field });
  metrics.recounts.inc(opened);
  metrics.batchSize.observe(batch.events.length + batch.rejected.length);
}

const OUTAGES: ReadonlySet<string> = new Set([
  'STORE_UNAVAILABLE',
  'STORE_TIMEOUT',
  'STORE_TLS',
  'STORE_FULL',
]);

/** Whether a store may come back in an older state, or Mongo as another one: then the next epoch asks where it is. */
function mayHaveGoneBack(thrown: unknown): boolean {
  if (thrown instanceof CountersError) return !thrown.isOfSlots;
  return thrown instanceof StoreError && OUTAGES.has(thrown.code);
}
