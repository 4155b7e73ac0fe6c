import type { Generations } from '@calltally/counters';
import type { Store } from '@calltally/store';
import type { Admin } from 'kafkajs';
import type { OpsSettings } from '../context.ts';
import { CommandError } from '../failure.ts';
import { LedgerConnection } from '../ledger-connection.ts';
import type { OffsetRange } from '../reading/cursor.ts';
import { readWithRetries } from '../reading/read-with-retries.ts';
import { unionOf } from '../reading/union.ts';
import { type Bound, partitionsOf } from './bound.ts';
import { type PartitionPlan, type PartitionView, planReplay, type TimedOffsets } from './plan.ts';
import { type Counts, Recorder } from './recorder.ts';
import { opsKafka, requireRows, requireSameTopic, viewTopic, withAdmin } from './topic.ts';

export interface ReplayRequest {
  from: Bound;
  to: Bound | undefined;
  /** Those alone; all of them without. */
  partitions: readonly number[] | undefined;
}

export interface ReplayHooks {
  onPlan(plan: readonly PartitionPlan[], offsets: number): void;
  /** @param done offsets that need no more reading */
  onProgress(done: number, counts: Counts): void;
}

export interface Replayed extends Counts {
  /** False when asked to stop before the end. */
  complete: boolean;
  plan: PartitionPlan[];
  /** What the topic let go of while it was being read. */
  gone: OffsetRange[];
}

const REDIS_COMMAND_TIMEOUT_MS = 10_000;
const REDIS_OPEN_TIMEOUT_MS = 2_000;

/**
 * Sends stored events through the ledger again, while ingest goes on: rows that are missing come back, and whose they
 * are is opened anew, to be filled from rows. Reads with a group of its own, commits nothing and marks nothing. Repeated
 * at will: whatever is there stays as it is.
 *
 * @throws CommandError RANGE_EMPTY and others, StoreError, CountersError, LedgerError, errors of kafkajs
 */
export async function replay(
  settings: OpsSettings,
  store: Store,
  request: ReplayRequest,
  hooks: ReplayHooks,
  signal: AbortSignal,
): Promise<Replayed> {
  const kafka = opsKafka(settings.kafka);
  const { topic, groupId } = settings.kafka;
  const ledger = new LedgerConnection(store, {
    ...settings.redis,
    commandTimeoutMs: REDIS_COMMAND_TIMEOUT_MS,
    openTimeoutMs: REDIS_OPEN_TIMEOUT_MS,
  });
  try {
    const { stream, plan } = await ledger.use(
      ({ generations }) => withAdmin(kafka, (admin) => makePlan(admin, store, generations, topic, request)),
      signal,
    );
    const spans = plan.filter(({ from, until }) => from < until);
    hooks.onPlan(plan, offsetsIn(spans));
    if (isOfNothing(plan, request)) {
      throw new CommandError(
        'RANGE_EMPTY',
        `${topic} holds no stored event in this range, so nothing was replayed; \`calltally lag\` shows what it holds`,
      );
    }
    const recorder = new Recorder(ledger, stream, signal);
    const gone: OffsetRange[] = [];
    await readWithRetries(kafka, {
      topic,
      groupId: `${groupId}.replay`,
      spans,
      take: async (partition, messages) => {
        await recorder.take(partition, messages);
        return !signal.aborted;
      },
      settle: () => recorder.settle(),
      through: (partition) => recorder.through(partition),
      onProgress: (done) => hooks.onProgress(done, recorder.counts),
      onGone: (span) => gone.push(span),
      signal,
    });
    return { ...recorder.counts, complete: !signal.aborted, plan, gone: unionOf(gone) };
  } finally {
    ledger.close();
  }
}

/** @throws CommandError MONGO_BEHIND, PARTITION_UNKNOWN, TOPIC_MADE_ANEW, StoreError, errors of kafkajs */
async function makePlan(
  admin: Admin,
  store: Store,
  generations: Generations,
  topic: string,
  { from, to, partitions }: ReplayRequest,
): Promise<{ stream: number; plan: PartitionPlan[] }> {
  const view = await viewTopic(admin, store, topic);
  await requireRows(store, generations, view);
  const timesOf = async (bound: Bound | undefined): Promise<TimedOffsets> => {
    if (bound?.kind !== 'time') return new Map();
    const offsets = await admin.fetchTopicOffsetsByTimestamp(topic, bound.ms);
    return new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]));
  };
  const timed = { from: await timesOf(from), to: await timesOf(to) };
  const named = [...(partitions ?? []), ...partitionsOf(from), ...partitionsOf(to)];
  requirePartitions(view.partitions, named);
  return { stream: view.stream, plan: planReplay(choose(view.partitions, partitions), from, to, timed) };
}

/** Whether a range was asked for in which nothing lies, nothing lay, and nothing waits to be stored. */
function isOfNothing(plan: readonly PartitionPlan[], { from, to }: ReplayRequest): boolean {
  // All that there is was asked for, and that is nothing yet.
  if (from.kind === 'earliest' && to === undefined) return false;
  return plan.every((one) => one.from === one.until && !one.gone && !one.notStored);
}

function offsetsIn(spans: readonly OffsetRange[]): number {
  return spans.reduce((sum, { from, until }) => sum + until - from, 0);
}

/** @throws CommandError PARTITION_UNKNOWN */
function requirePartitions(partitions: readonly PartitionView[], wanted: readonly number[]): void {
  const unknown = wanted.find((one) => !partitions.some(({ partition }) => partition === one));
  if (unknown === undefined) return;
  throw new CommandError('PARTITION_UNKNOWN', `the topic has no partition ${unknown}`);
}

/** @throws CommandError TOPIC_MADE_ANEW */
function choose(
  partitions: readonly PartitionView[],
  wanted: readonly number[] | undefined,
): readonly PartitionView[] {
  const chosen = partitions.filter(({ partition }) => wanted?.includes(partition) ?? true);
  requireSameTopic(chosen);
  return chosen;
}
