import { setTimeout as sleep } from 'node:timers/promises';
import type { EachBatchPayload, Batch as FetchedBatch } from 'kafkajs';
import type { AssignmentEpoch } from './assignment-epochs.ts';
import { decodeBatch } from './decode-batch.ts';
import { emptyOffsetsOf } from './empty-offsets.ts';
import { type BatchParts, processBatch } from './process-batch.ts';
import type { TopicAdmin } from './topic-admin.ts';
import { settledWithin, withHeartbeats } from './waiting.ts';

/** Events recorded together: all that a fetch brings of a partition, and few enough to end between two heartbeats. */
const BATCH_EVENTS_MAX = 6_000;
/** kafkajs fetches again when every batch has ended, so the other partitions wait with a slow one at most this long. */
const PATIENCE_MS = 500;

export interface FetchParts extends BatchParts {
  topic: TopicAdmin;
  seek: (partition: number, offset: number) => void;
  pause: (partition: number) => void;
  resume: (partition: number) => void;
}

/**
 * Pushes a fetch to the queue of its partition, and returns while the stores are still at it: what follows is fetched
 * and parsed meanwhile. A partition whose queue has no room for long is paused until it has, so that it makes only itself
 * wait. Leaves the fetch unresolved when it is no longer ours; then the consumer fetches again from where the ledger
 * stands.
 * @throws what kafkajs throws in a heartbeat: the group is rebalancing
 */
export async function handleFetch(parts: FetchParts, payload: EachBatchPayload): Promise<void> {
  const { batch: fetched, heartbeat } = payload;
  const { partition } = fetched;
  const epoch = await beginOrStop(parts, payload);
  if (epoch === undefined || isOver(parts, payload, epoch)) return;
  if (epoch.refused.has(partition)) return parts.pause(partition);
  const queue = epoch.queues.of(partition);
  if (!(await follows(parts, epoch, fetched)) || isOver(parts, payload, epoch)) return;
  const full = queue.whenReady();
  if (full !== undefined) return pauseUntil(parts, epoch, partition, full);
  const last = Number(fetched.lastOffset());
  // Nothing of what was asked for, or more than there is: a log that is damaged where the broker does not look. It is
  // told as not fetched, and nothing is passed over.
  if (fetched.firstOffset() === null || last >= Number(fetched.highWatermark)) {
    return pauseUntil(parts, epoch, partition, sleep(PATIENCE_MS));
  }
  const empty = Object.entries(emptyOffsetsOf(fetched));
  for (const [kind, offsets] of empty) parts.metrics.emptyOffsets.inc({ kind }, offsets);
  queue.push(last + 1, batchesOf(parts, epoch, payload));
  payload.resolveOffset(String(last));
  parts.epochs.fetched(partition, last + 1);
  await heartbeat();
  if (queue.failing === undefined) await settledWithin(PATIENCE_MS, queue.whenReady());
  const room = queue.whenReady();
  if (room === undefined || isOver(parts, payload, epoch)) return;
  pauseUntil(parts, epoch, partition, room);
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
    // Another epoch has resumed it, or refused it.
    if (parts.epochs.current === epoch) parts.resume(partition);
  });
}

/** Parses each batch when it is asked for. */
function* batchesOf(
  parts: FetchParts,
  epoch: AssignmentEpoch,
  { batch: fetched, commitOffsetsIfNecessary }: EachBatchPayload,
): Generator<() => Promise<boolean>> {
  const { partition, messages } = fetched;
  let first = Number(fetched.fetchedOffset);
  for (let at = 0; at === 0 || at < messages.length; at += BATCH_EVENTS_MAX) {
    const some = messages.slice(at, at + BATCH_EVENTS_MAX);
    // The batch may end with offsets that hold no event, which count as read with its last message.
    const through = Number(
      at + BATCH_EVENTS_MAX >= messages.length ? fetched.lastOffset() : some.at(-1)!.offset,
    );
    const batch = decodeBatch(partition, some, { first, through });
    yield () => processBatch(parts, epoch, batch, commitOffsetsIfNecessary);
    first = through + 1;
  }
}

async function beginOrStop({ epochs, stopping }: FetchParts, { heartbeat }: EachBatchPayload) {
  try {
    return await withHeartbeats(epochs.begin(), heartbeat);
  } catch (thrown) {
    if (stopping.aborted) return undefined;
    throw thrown;
  }
}

function isOver(
  parts: FetchParts,
  { isRunning, isStale }: EachBatchPayload,
  epoch: AssignmentEpoch,
): boolean {
  return parts.stopping.aborted || !isRunning() || isStale() || parts.epochs.current !== epoch;
}

/**
 * Whether a fetch goes on where the ledger stands. kafkajs moves a position by itself when it resolves an older batch
 * after a seek, and when the topic has let go of what was asked for; neither may skip an event in silence.
 */
async function follows(parts: FetchParts, epoch: AssignmentEpoch, fetched: FetchedBatch): Promise<boolean> {
  const { positions, queues } = epoch;
  const { partition } = fetched;
  const next = queues.of(partition).next ?? positions.next(partition);
  // Offsets between the one asked for and the first one given hold nothing: they were control records, or compacted.
  const asked = Number(fetched.fetchedOffset);
  if (next === undefined) return false;
  if (asked === next) return true;
  const { earliest, end } = (await parts.topic.watermarks()).get(partition) ?? { earliest: 0, end: next };
  if (end < next) {
    // Made anew: what lies at these offsets now are other events.
    parts.epochs.invalidate(epoch);
    return false;
  }
  if (asked < next) return true;
  if (earliest > next) {
    // Let go of before we read it, perhaps for the second time: a new epoch knows what that means for the counters.
    parts.epochs.invalidate(epoch);
    return false;
  }
  parts.seek(partition, next);
  return false;
}
