import { callOfAnotherUser } from '@calltally/contract';
import { CountersError } from '@calltally/counters';
import { record, writeCheckpoint } from '@calltally/ledger';
import { StoreError } from '@calltally/store';
import type { Logger } from '@calltally/telemetry';
import type { EachBatchPayload } from 'kafkajs';
import { type AssignmentEpoch, type AssignmentEpochs, codeOf } from './assignment-epochs.ts';
import type { Auditor } from './auditor.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { DecodedBatch } from './decode-batch.ts';
import type { HeldPartitions } from './held-partitions.ts';
import type { IngestMetrics } from './metrics.ts';
import type { OffsetCommitter } from './offset-committer.ts';
import { Backoff } from './waiting.ts';

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
 * Repeats a batch until its checkpoint is written; every step of it is idempotent. While it fails, its partition alone
 * waits. Never rejects. @returns false when the batch is no longer ours
 */
export async function processBatch(
  parts: BatchParts,
  epoch: AssignmentEpoch,
  batch: DecodedBatch,
  commit: EachBatchPayload['commitOffsetsIfNecessary'],
): Promise<boolean> {
  const { epochs, metrics, logger, stopping } = parts;
  const { partition, through } = batch;
  const queue = epoch.queues.of(partition);
  const endTimer = metrics.batchSeconds.startTimer();
  const backoff = new Backoff();
  while (!stopping.aborted && epochs.current === epoch) {
    try {
      await recordBatch(parts, epoch, batch);
    } catch (thrown) {
      const code = codeOf(thrown);
      metrics.failures.inc({ code });
      logger.warn({ err: thrown, partition, first: batch.first }, 'batch failed, retrying');
      parts.held.failed(partition, code);
      queue.failing = { code, sinceMs: queue.failing?.sinceMs ?? Date.now() };
      await backoff.pause(stopping);
      if (!(thrown instanceof CountersError || isOutage(thrown))) continue;
      // Either store may be back in an older state.
      epochs.invalidate(epoch);
      return false;
    }
    queue.failing = undefined;
    epoch.positions.moved(partition, through + 1);
    // The group may have given the partition to somebody else meanwhile.
    if (epochs.current === epoch) parts.committer.enqueue(partition, String(through + 1), commit);
    metrics.batchSize.observe(batch.events.length + batch.rejected.length);
    endTimer();
    return true;
  }
  return false;
}

/**
 * Records a batch in the ledger, writes its dead letters to their topic, then its checkpoint: what comes after this is
 * the commit, and nothing may be committed before its letters are safe. May be repeated at will.
 * @throws StoreError, CountersError, LedgerError, DeadLetterError
 */
async function recordBatch(
  parts: BatchParts,
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

/** Faults behind which Mongo may be another one, or back in an older state. */
const OUTAGES: ReadonlySet<string> = new Set([
  'STORE_UNAVAILABLE',
  'STORE_TIMEOUT',
  'STORE_TLS',
  'STORE_FULL',
]);

function isOutage(thrown: unknown): boolean {
  return thrown instanceof StoreError && OUTAGES.has(thrown.code);
}
