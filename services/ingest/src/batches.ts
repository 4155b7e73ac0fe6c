import { setTimeout as sleep } from 'node:timers/promises';
import { CountersError } from '@calltally/counters';
import { StoreError } from '@calltally/store';
import type { Logger } from '@calltally/telemetry';
import type { Batch, EachBatchPayload } from 'kafkajs';
import type { Audit } from './audit.ts';
import { type Chunk, decodeChunk } from './chunk.ts';
import type { Commits } from './commits.ts';
import { type Beginning, type Counting, codeOf } from './counting.ts';
import type { DeadLetters } from './dead-letters.ts';
import { emptyOffsetsOf } from './empty-offsets.ts';
import type { HeldPartitions } from './held-partitions.ts';
import type { IngestMetrics } from './metrics.ts';
import { recordChunk } from './record-chunk.ts';
import type { TopicState } from './topic.ts';
import { Backoff, settledWithin, withHeartbeats } from './waiting.ts';

/** Events recorded together: all that a fetch brings of a partition, and few enough to end between two heartbeats. */
const CHUNK_EVENTS = 6_000;
/** kafkajs fetches again when every batch has ended, so the other partitions wait with a slow one at most this long. */
const PATIENCE_MS = 500;

export interface BatchParts {
  commits: Commits;
  topic: TopicState;
  counting: Counting;
  deadLetters: DeadLetters;
  audit: Audit;
  held: HeldPartitions;
  metrics: IngestMetrics;
  logger: Logger;
  seek: (partition: number, offset: number) => void;
  pause: (partition: number) => void;
  resume: (partition: number) => void;
  stopping: AbortSignal;
}

/**
 * Takes a fetched batch into the lane of its partition, and returns while the stores are still at it: what follows is
 * fetched and parsed meanwhile. A partition whose lane has no room for long is paused until it has, so that it makes only
 * itself wait. Leaves the batch unresolved when it is no longer ours; then the consumer fetches again from where the
 * books stand.
 * @throws what kafkajs throws in a heartbeat: the group is rebalancing
 */
export async function takeBatch(parts: BatchParts, payload: EachBatchPayload): Promise<void> {
  const { batch, heartbeat } = payload;
  const { partition } = batch;
  const beginning = await beginOrStop(parts, payload);
  if (beginning === undefined || isOver(parts, payload, beginning)) return;
  if (beginning.refused.has(partition)) return parts.pause(partition);
  const lane = beginning.lanes.of(partition);
  if (!(await follows(parts, beginning, batch)) || isOver(parts, payload, beginning)) return;
  const full = lane.room();
  if (full !== undefined) return pauseUntil(parts, beginning, partition, full);
  const last = Number(batch.lastOffset());
  // Nothing of what was asked for, or more than there is: a log that is damaged where the broker does not look. It is
  // told as not fetched, and nothing is passed over.
  if (batch.firstOffset() === null || last >= Number(batch.highWatermark)) {
    return pauseUntil(parts, beginning, partition, sleep(PATIENCE_MS));
  }
  const empty = Object.entries(emptyOffsetsOf(batch));
  for (const [kind, offsets] of empty) parts.metrics.emptyOffsets.inc({ kind }, offsets);
  lane.take(last + 1, chunksOf(parts, beginning, payload));
  payload.resolveOffset(String(last));
  parts.counting.fetched(partition, last + 1);
  await heartbeat();
  if (lane.failing === undefined) await settledWithin(PATIENCE_MS, lane.room());
  const room = lane.room();
  if (room === undefined || isOver(parts, payload, beginning)) return;
  pauseUntil(parts, beginning, partition, room);
}

/** @param ready never rejects */
function pauseUntil(parts: BatchParts, beginning: Beginning, partition: number, ready: Promise<void>): void {
  parts.pause(partition);
  void ready.then(() => {
    // Another beginning has resumed it, or refused it.
    if (parts.counting.current === beginning) parts.resume(partition);
  });
}

/** Parses each chunk when it is asked for. */
function* chunksOf(
  parts: BatchParts,
  beginning: Beginning,
  { batch, commitOffsetsIfNecessary }: EachBatchPayload,
): Generator<() => Promise<boolean>> {
  const { partition, messages } = batch;
  let first = Number(batch.fetchedOffset);
  for (let at = 0; at === 0 || at < messages.length; at += CHUNK_EVENTS) {
    const some = messages.slice(at, at + CHUNK_EVENTS);
    // The batch may end with offsets that hold no event, which count as read with its last message.
    const through = Number(at + CHUNK_EVENTS >= messages.length ? batch.lastOffset() : some.at(-1)!.offset);
    const chunk = decodeChunk(partition, some, { first, through });
    yield () => takeChunk(parts, beginning, chunk, commitOffsetsIfNecessary);
    first = through + 1;
  }
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
  const { positions, lanes } = beginning;
  const { partition } = batch;
  const next = lanes.of(partition).next ?? positions.next(partition);
  // Offsets between the one asked for and the first one given hold nothing: they were control records, or compacted.
  const asked = Number(batch.fetchedOffset);
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
 * Repeats a chunk until it is marked; every step of it is idempotent. While it fails, its partition alone waits.
 * Never rejects. @returns false when the chunk is no longer ours
 */
async function takeChunk(
  parts: BatchParts,
  beginning: Beginning,
  chunk: Chunk,
  commit: EachBatchPayload['commitOffsetsIfNecessary'],
): Promise<boolean> {
  const { counting, metrics, logger, stopping } = parts;
  const { partition, through } = chunk;
  const lane = beginning.lanes.of(partition);
  const endTimer = metrics.batchSeconds.startTimer();
  const backoff = new Backoff();
  while (!stopping.aborted && counting.current === beginning) {
    try {
      await recordChunk(parts, beginning, chunk);
    } catch (thrown) {
      const code = codeOf(thrown);
      metrics.failures.inc({ code });
      logger.warn({ err: thrown, partition, first: chunk.first }, 'a batch waits and is repeated');
      parts.held.failed(partition, code);
      lane.failing = { code, sinceMs: lane.failing?.sinceMs ?? Date.now() };
      await backoff.pause(stopping);
      if (!(thrown instanceof CountersError || isOutage(thrown))) continue;
      // Either store may be back in an older state.
      counting.renew(beginning);
      return false;
    }
    lane.failing = undefined;
    beginning.positions.moved(partition, through + 1);
    // The group may have given the partition to somebody else meanwhile.
    if (counting.current === beginning) parts.commits.note(partition, String(through + 1), commit);
    metrics.batchSize.observe(chunk.events.length + chunk.rejected.length);
    endTimer();
    return true;
  }
  return false;
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
