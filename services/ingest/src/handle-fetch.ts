import { setTimeout as sleep } from 'node:timers/promises';
import { inBatchSpan } from '@calltally/telemetry';
import type { EachBatchPayload, Batch as FetchedBatch } from 'kafkajs';
import pTimeout from 'p-timeout';
import type { AssignmentEpoch } from './assignment-epochs.ts';
import { countEmptyOffsets, decodeBatch } from './decode-batch.ts';
import { NOT_FETCHED } from './held-partitions.ts';
import { type BatchParts, processBatch } from './process-batch.ts';
import type { TopicAdmin } from './topic-admin.ts';

/** Usually all of a partition that one fetch brings, and few enough to be recorded between two heartbeats. */
const BATCH_EVENTS_MAX = 6_000;
/** kafkajs fetches again when all handlers have returned: no partition makes the others wait for longer. */
const PATIENCE_MS = 500;

export interface FetchParts extends BatchParts {
  topic: TopicAdmin;
  seek: (partition: number, offset: number) => void;
  pause: (partition: number) => void;
  resume: (partition: number) => void;
}

/**
 * Pushes a fetch to the queue of its partition. Returns while the stores are still at work, so that the next fetch comes
 * and is parsed meanwhile. A partition whose queue stays full is paused until there is room, so that it makes only itself
 * wait. A fetch of another assignment epoch is left unresolved: the consumer fetches again from the stored offset.
 * @throws what kafkajs throws in a heartbeat: the group is rebalancing
 */
export async function handleFetch(parts: FetchParts, payload: EachBatchPayload): Promise<void> {
  const { batch: fetched, heartbeat } = payload;
  const { partition } = fetched;
  const epoch = await parts.epochs.acquire(heartbeat);
  if (epoch === undefined || isOver(parts, payload, epoch)) return;
  if (epoch.refused.has(partition)) return parts.pause(partition);
  const queue = epoch.queues.of(partition);
  if (!(await follows(parts, epoch, fetched)) || isOver(parts, payload, epoch)) return;
  const full = queue.whenReady();
  if (full !== undefined) return pauseUntil(parts, epoch, partition, full);
  const last = Number(fetched.lastOffset());
  // Not what was asked for, or more than there is: the log is damaged in a way that the broker does not notice. Nothing
  // is skipped; the held partition shows as not fetched.
  if (fetched.firstOffset() === null || last >= Number(fetched.highWatermark)) {
    parts.held.failed(partition, NOT_FETCHED);
    return pauseUntil(parts, epoch, partition, sleep(PATIENCE_MS));
  }
  const empty = Object.entries(countEmptyOffsets(fetched));
  for (const [kind, offsets] of empty) parts.metrics.emptyOffsets.inc({ kind }, offsets);
  queue.push(last + 1, batchesOf(parts, epoch, payload));
  payload.resolveOffset(String(last));
  parts.epochs.fetched(partition, last + 1);
  await heartbeat();
  const ready = queue.whenReady();
  if (ready === undefined) return;
  if (queue.failing === undefined) await pTimeout(ready, { milliseconds: PATIENCE_MS, message: false });
  const room = queue.whenReady();
  if (room !== undefined && !isOver(parts, payload, epoch)) pauseUntil(parts, epoch, partition, room);
}

/** @param ready never rejects */
function pauseUntil(
  parts: FetchParts,
  epoch: AssignmentEpoch,
  partition: number,
  ready: Promise<void>,
): void {
  parts.pause(partition);
  void ready.then(() => {
    // Another epoch has resumed the partition, or refused it.
    if (parts.epochs.current === epoch) parts.resume(partition);
  });
}

/** Parses each batch when it is taken. */
function* batchesOf(
  parts: FetchParts,
  epoch: AssignmentEpoch,
  { batch: fetched, commitOffsetsIfNecessary }: EachBatchPayload,
): Generator<() => Promise<boolean>> {
  const { topic, partition, messages } = fetched;
  let first = Number(fetched.fetchedOffset);
  for (let at = 0; at === 0 || at < messages.length; at += BATCH_EVENTS_MAX) {
    const some = messages.slice(at, at + BATCH_EVENTS_MAX);
    // The last batch covers the empty offsets behind its last message, too.
    const through = Number(
      at + BATCH_EVENTS_MAX >= messages.length ? fetched.lastOffset() : some.at(-1)!.offset,
    );
    const batch = decodeBatch(partition, some, { first, through });
    yield () =>
      inBatchSpan(`process ${topic}`, spanAttributes(fetched, some.length), some, () =>
        processBatch(parts, epoch, batch, commitOffsetsIfNecessary),
      );
    first = through + 1;
  }
}

/** By OpenTelemetry's conventions for messaging. */
function spanAttributes({ topic, partition }: FetchedBatch, messages: number) {
  return {
    'messaging.system': 'kafka',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': topic,
    'messaging.destination.partition.id': String(partition),
    'messaging.batch.message_count': messages,
  };
}

function isOver(
  parts: FetchParts,
  { isRunning, isStale }: EachBatchPayload,
  epoch: AssignmentEpoch,
): boolean {
  return parts.stopping.aborted || !isRunning() || isStale() || parts.epochs.current !== epoch;
}

/**
 * Whether a fetch goes on where the queue ends. kafkajs moves a position by itself when it resolves an older fetch after
 * a seek, and when events expired before they were fetched. Neither may skip an event silently.
 */
async function follows(parts: FetchParts, epoch: AssignmentEpoch, fetched: FetchedBatch): Promise<boolean> {
  const { positions, queues } = epoch;
  const { partition } = fetched;
  const next = queues.of(partition).next ?? positions.next(partition);
  // The offset that was asked for, not the first one handed over: offsets between them are empty.
  const asked = Number(fetched.fetchedOffset);
  if (next === undefined) return false;
  if (asked === next) return true;
  const { watermarks } = await parts.topic.watermarksOf([partition]);
  const { earliest, end } = watermarks.get(partition) ?? { earliest: 0, end: next };
  const isRecreated = end < next;
  if (asked < next && !isRecreated) return true;
  // If events expired, perhaps for the second time, a new epoch decides what that means for the counters.
  if (isRecreated || earliest > next) parts.epochs.invalidate(epoch);
  else parts.seek(partition, next);
  return false;
}
