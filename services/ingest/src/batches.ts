import { CountersError } from '@calltally/counters';
import { LedgerError } from '@calltally/ledger';
import { StoreError } from '@calltally/store';
import type { Logger } from '@calltally/telemetry';
import type { Batch, EachBatchPayload } from 'kafkajs';
import type { Audit } from './audit.ts';
import { type Chunk, decodeChunk } from './chunk.ts';
import type { Commits } from './commits.ts';
import { type Beginning, type Counting, codeOf } from './counting.ts';
import { DeadLetterError, type DeadLetters } from './dead-letters.ts';
import type { IngestMetrics } from './metrics.ts';
import { recordChunk } from './record-chunk.ts';
import type { TopicState } from './topic.ts';
import { Backoff, withHeartbeats } from './waiting.ts';

/** Events recorded together: all that a fetch brings of a partition, and few enough to end between two heartbeats. */
const CHUNK_EVENTS = 6_000;

export interface BatchParts {
  commits: Commits;
  topic: TopicState;
  counting: Counting;
  deadLetters: DeadLetters;
  audit: Audit;
  metrics: IngestMetrics;
  logger: Logger;
  seek: (partition: number, offset: number) => void;
  stopping: AbortSignal;
}

/**
 * Takes a fetched batch, chunk by chunk, and returns while the stores are still at the last one: what follows it is
 * fetched and parsed meanwhile. Returns early, leaving the rest unresolved, when the batch is no longer ours or when
 * counting begins anew; then the consumer fetches again from where the books stand.
 * @throws what kafkajs throws in a heartbeat: the group is rebalancing; what a chunk before this batch failed with
 */
export async function takeBatch(parts: BatchParts, payload: EachBatchPayload): Promise<void> {
  const { batch, heartbeat } = payload;
  const { partition } = batch;
  const beginning = await beginOrStop(parts, payload);
  if (beginning === undefined || isOver(parts, payload, beginning)) return;
  if (beginning.refused.has(partition)) {
    payload.pause();
    return;
  }
  if (!(await follows(parts, beginning, batch))) return;
  for (let at = 0; at < batch.messages.length; at += CHUNK_EVENTS) {
    const chunk = chunkAt(batch, at);
    if (!(await withHeartbeats(beginning.inHand.done(partition), heartbeat))) return;
    if (isOver(parts, payload, beginning)) return;
    const next = chunk.through + 1;
    beginning.inHand.begin(partition, next, () =>
      takeChunk(parts, beginning, chunk, payload.commitOffsetsIfNecessary),
    );
    payload.resolveOffset(chunk.last);
    parts.counting.fetched(partition, next);
    await heartbeat();
  }
  if (!parts.stopping.aborted) return;
  // The consumer leaves the group when its last batch has ended.
  await beginning.inHand.settled();
  await parts.commits.settled();
}

function chunkAt(batch: Batch, at: number): Chunk & { last: string } {
  const messages = batch.messages.slice(at, at + CHUNK_EVENTS);
  const chunk = { ...decodeChunk(batch.partition, messages), last: messages.at(-1)!.offset };
  // The batch may end with control records, which count as read with its last message.
  if (at + CHUNK_EVENTS >= batch.messages.length) chunk.through = Number(batch.lastOffset());
  return chunk;
}

async function beginOrStop({ counting, stopping }: BatchParts, { heartbeat }: EachBatchPayload) {
  try {
    return await withHeartbeats(counting.begin(), heartbeat);
  } catch (thrown) {
    if (stopping.aborted) return undefined;
    throw thrown;
  }
}

function isOver(parts: BatchParts, { isRunning, isStale }: EachBatchPayload, beginning: Beginning): boolean {
  return parts.stopping.aborted || !isRunning() || isStale() || parts.counting.current !== beginning;
}

/**
 * Whether a batch goes on where the books stand. kafkajs moves a position by itself when it resolves an older batch
 * after a seek, and when the topic has let go of what was asked for; neither may skip an event in silence.
 */
async function follows(parts: BatchParts, beginning: Beginning, batch: Batch): Promise<boolean> {
  const { positions, inHand } = beginning;
  const { partition } = batch;
  const next = inHand.next(partition) ?? positions.next(partition);
  // Offsets between the one asked for and the first one given hold nothing: they were control records, or compacted.
  const asked = Number((batch as Batch & { fetchedOffset: string }).fetchedOffset);
  if (next === undefined) return false;
  if (asked === next) return true;
  const { earliest, end } = (await parts.topic.watermarks()).get(partition) ?? { earliest: 0, end: next };
  if (end < next) {
    // Made anew: what lies at these offsets now are other events.
    parts.counting.renew(beginning);
    return false;
  }
  if (asked < next) return true;
  if (earliest > next) {
    // Let go of before we read it, perhaps for the second time: a beginning knows what that means for the counters.
    parts.counting.renew(beginning);
    return false;
  }
  parts.seek(partition, next);
  return false;
}

/**
 * Repeats a chunk until it is marked; every step of it is idempotent. @returns false when it is no longer ours
 * @throws what is no fault of a store; then the consumer fetches it again, and is told
 */
async function takeChunk(
  parts: BatchParts,
  beginning: Beginning,
  chunk: Chunk,
  commit: EachBatchPayload['commitOffsetsIfNecessary'],
): Promise<boolean> {
  const { counting, metrics, logger, stopping } = parts;
  const { partition, through } = chunk;
  const endTimer = metrics.batchSeconds.startTimer();
  const backoff = new Backoff();
  while (!stopping.aborted && counting.current === beginning) {
    try {
      await recordChunk(parts, beginning, chunk);
    } catch (thrown) {
      if (!isOurs(thrown)) {
        // Another beginning has sent the consumer where it belongs, or the partition is somebody else's by now.
        if (counting.current === beginning) parts.seek(partition, beginning.positions.next(partition)!);
        throw thrown;
      }
      metrics.failures.inc({ code: codeOf(thrown) });
      logger.warn({ err: thrown, partition, first: chunk.first }, 'a batch waits and is repeated');
      await backoff.pause(stopping);
      if (!(thrown instanceof CountersError || isOutage(thrown))) continue;
      // Either store may be back in an older state.
      counting.renew(beginning);
      return false;
    }
    beginning.positions.moved(partition, through + 1, chunk.lastTimestampMs);
    // The group may have given the partition to somebody else meanwhile.
    if (counting.current === beginning) parts.commits.note(partition, String(through + 1), commit);
    metrics.batchSize.observe(chunk.events.length + chunk.rejected.length);
    endTimer();
    return true;
  }
  return false;
}

function isOutage(thrown: unknown): boolean {
  return (
    thrown instanceof StoreError && (thrown.code === 'STORE_UNAVAILABLE' || thrown.code === 'STORE_TIMEOUT')
  );
}

/** Faults of stores and of the dead-letter topic are waited for; all others are the consumer's to handle. */
function isOurs(thrown: unknown): boolean {
  return (
    thrown instanceof StoreError ||
    thrown instanceof CountersError ||
    thrown instanceof LedgerError ||
    thrown instanceof DeadLetterError
  );
}
