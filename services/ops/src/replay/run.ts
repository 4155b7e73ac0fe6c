import type { Generations } from '@calltally/counters';
import type { Store } from '@calltally/store';
import type { Admin } from 'kafkajs';
import type { Context } from '../context.ts';
import { CommandError } from '../failure.ts';
import { opsKafka, withAdmin } from '../kafka.ts';
import { type LedgerConnection, withLedgerConnection } from '../ledger-connection.ts';
import { type OffsetRange, unionOf } from '../reading/cursor.ts';
import { readWithRetries } from '../reading/read-with-retries.ts';
import { requireRows, requireSameTopic, viewTopic } from '../topic-view.ts';
import { type Bound, partitionsOf } from './bound.ts';
import { type PartitionPlan, planReplay, type TimedOffsets } from './plan.ts';
import { type Counts, Recorder } from './recorder.ts';

export interface ReplayRequest {
  from: Bound;
  to: Bound | undefined;
  /** All without. */
  partitions: readonly number[] | undefined;
}

export interface ReplayHooks {
  onPlan(plan: readonly PartitionPlan[], offsets: number): void;
  /** @param done offsets that need no more reading */
  onProgress(done: number, counts: Counts): void;
}

export interface Replayed extends Counts {
  /** False if it was stopped before the end. */
  complete: boolean;
  plan: PartitionPlan[];
  /** What expired before it was read. */
  gone: OffsetRange[];
}

const TIMEOUTS = { redisCommandMs: 10_000 };

/**
 * Sends stored events through the ledger again, while ingest goes on: missing rows come back, and their users are
 * opened again, to be filled from rows. Reads with a group of its own, and commits nothing. What is there stays as it
 * is, so it may be repeated at will.
 *
 * @throws CommandError RANGE_EMPTY and others, StoreError, CountersError, LedgerError, errors of kafkajs
 */
export async function replay(
  context: Context,
  request: ReplayRequest,
  hooks: ReplayHooks,
): Promise<Replayed> {
  const { signal } = context.io;
  const settings = context.settings();
  const kafka = opsKafka(settings.kafka);
  const { topic, groupId } = settings.kafka;
  const work = async (connection: LedgerConnection, store: Store): Promise<Replayed> => {
    const { stream, plan } = await connection.use(
      ({ generations }) => withAdmin(kafka, (admin) => makePlan(admin, store, generations, topic, request)),
      signal,
    );
    const ranges = plan.filter(({ from, until }) => from < until);
    hooks.onPlan(
      plan,
      ranges.reduce((sum, { from, until }) => sum + until - from, 0),
    );
    if (isEmpty(plan, request)) {
      throw new CommandError(
        'RANGE_EMPTY',
        `${topic} holds no stored event in this range, so nothing was replayed; \`calltally lag\` shows what it holds`,
      );
    }
    const recorder = new Recorder(connection, stream, signal);
    const gone: OffsetRange[] = [];
    await readWithRetries(kafka, {
      topic,
      groupId: `${groupId}.replay`,
      ranges,
      take: async (partition, messages) => {
        await recorder.take(partition, messages);
        return !signal.aborted;
      },
      settle: () => recorder.settle(),
      through: (partition) => recorder.through(partition),
      onProgress: (done) => hooks.onProgress(done, recorder.counts),
      onExpired: (range) => gone.push(range),
      signal,
    });
    return { ...recorder.counts, complete: !signal.aborted, plan, gone: unionOf(gone) };
  };
  return withLedgerConnection(context, work, TIMEOUTS);
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
  const unknown = named.find((one) => !view.partitions.some(({ partition }) => partition === one));
  if (unknown !== undefined) {
    throw new CommandError('PARTITION_UNKNOWN', `the topic has no partition ${unknown}`);
  }
  const chosen = view.partitions.filter(({ partition }) => partitions?.includes(partition) ?? true);
  requireSameTopic(chosen);
  return { stream: view.stream, plan: planReplay(chosen, from, to, timed) };
}

/** Whether a range was asked for in which nothing lies, nothing has expired, and nothing waits to be stored. */
function isEmpty(plan: readonly PartitionPlan[], { from, to }: ReplayRequest): boolean {
  // Everything was asked for, and there is nothing yet.
  if (from.kind === 'earliest' && to === undefined) return false;
  return plan.every((one) => one.from === one.until && !one.gone && !one.notStored);
}
