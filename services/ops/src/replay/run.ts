import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Generations } from '@calltally/counters';
import { aheadOfRows } from '@calltally/ledger';
import type { Store } from '@calltally/store';
import type { Admin, Kafka } from 'kafkajs';
import type { OpsSettings } from '../context.ts';
import { CommandError } from '../failure.ts';
import type { Span } from '../reading/cursor.ts';
import { readSpans } from '../reading/read-spans.ts';
import { unionOf } from '../reading/union.ts';
import type { Bound } from './bound.ts';
import { LiveBooks } from './live-books.ts';
import { type PartitionPlan, type PartitionView, planReplay, type TimedOffsets } from './plan.ts';
import { type Counts, Recorder } from './recorder.ts';
import { isMadeAnew, opsKafka, viewTopic, withAdmin } from './topic.ts';

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
  gone: Span[];
}

const REDIS_COMMAND_TIMEOUT_MS = 10_000;
const REDIS_OPEN_TIMEOUT_MS = 2_000;
/** Readings in a row that may fail without a single event more; each one is patient by itself. */
const READS = 5;
const BETWEEN_READS_MS = 1_000;

/**
 * Sends stored events through the ledger again, while ingest goes on: rows that are missing come back, and so do counts
 * that Redis lost. Reads with a group of its own, commits nothing and marks nothing. Repeated at will: whatever is
 * there stays as it is.
 *
 * @throws CommandError, StoreError, CountersError, LedgerError, errors of kafkajs
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
  const books = new LiveBooks(store, {
    ...settings.redis,
    commandTimeoutMs: REDIS_COMMAND_TIMEOUT_MS,
    openTimeoutMs: REDIS_OPEN_TIMEOUT_MS,
  });
  try {
    const { stream, plan } = await books.use(
      ({ generations }) => withAdmin(kafka, (admin) => makePlan(admin, store, generations, topic, request)),
      signal,
    );
    const spans = plan.filter(({ from, until }) => from < until);
    hooks.onPlan(plan, offsetsIn(spans));
    const recorder = new Recorder(books, stream, signal);
    const gone = await readAll({ kafka, topic, groupId, spans, recorder, hooks, signal });
    return { ...recorder.counts, complete: !signal.aborted, plan, gone };
  } finally {
    books.close();
  }
}

/** @throws CommandError MONGO_BEHIND and those of `choose`, StoreError, errors of kafkajs */
async function makePlan(
  admin: Admin,
  store: Store,
  generations: Generations,
  topic: string,
  { from, to, partitions }: ReplayRequest,
): Promise<{ stream: number; plan: PartitionPlan[] }> {
  const view = await viewTopic(admin, store, topic);
  const ahead = await aheadOfRows(store, generations, view.stream, view.partitions);
  if (ahead.size > 0) {
    throw new CommandError(
      'MONGO_BEHIND',
      'Mongo has less than Redis counts, so it is back in an older state; start ingest, which brings back by itself what the topic holds',
    );
  }
  const timesOf = async (bound: Bound | undefined): Promise<TimedOffsets> => {
    if (bound?.kind !== 'time') return new Map();
    const offsets = await admin.fetchTopicOffsetsByTimestamp(topic, bound.ms);
    return new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]));
  };
  const timed = { from: await timesOf(from), to: await timesOf(to) };
  return { stream: view.stream, plan: planReplay(choose(view.partitions, partitions), from, to, timed) };
}

/**
 * Reads on behind what is recorded when Kafka was away, a bounded number of times without getting any further.
 * @returns what the topic let go of before it was read
 */
async function readAll(parts: {
  kafka: Kafka;
  topic: string;
  groupId: string;
  spans: readonly Span[];
  recorder: Recorder;
  hooks: ReplayHooks;
  signal: AbortSignal;
}): Promise<Span[]> {
  const { kafka, topic, groupId, recorder, hooks, signal } = parts;
  const all = offsetsIn(parts.spans);
  const gone: Span[] = [];
  let left = parts.spans;
  for (let attempt = 1; ; attempt++) {
    let done = all - offsetsIn(left);
    try {
      await readSpans(kafka, {
        topic,
        groupId: `${groupId}.replay.${randomUUID()}`,
        spans: left,
        take: async (partition, messages) => {
          await recorder.take(partition, messages);
          return !signal.aborted;
        },
        onSettled(offsets) {
          done += offsets;
          hooks.onProgress(done, recorder.counts);
        },
        onGone: (span) => gone.push(span),
        signal,
      });
      await recorder.settle();
      return unionOf(gone);
    } catch (thrown) {
      await recorder.settle();
      const before = offsetsIn(left);
      left = left
        .map((span) => ({ ...span, from: Math.max(span.from, (recorder.through(span.partition) ?? -1) + 1) }))
        .filter(({ from, until }) => from < until);
      if (offsetsIn(left) < before) attempt = 1;
      if (!isKafkaAway(thrown) || attempt === READS) throw thrown;
    }
    await sleep(BETWEEN_READS_MS, undefined, { signal }).catch(() => {});
  }
}

function offsetsIn(spans: readonly Span[]): number {
  return spans.reduce((sum, { from, until }) => sum + until - from, 0);
}

function isKafkaAway(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name.startsWith('KafkaJS');
}

/** @throws CommandError PARTITION_UNKNOWN, TOPIC_MADE_ANEW */
function choose(
  partitions: readonly PartitionView[],
  wanted: readonly number[] | undefined,
): readonly PartitionView[] {
  const unknown = wanted?.find((one) => !partitions.some(({ partition }) => partition === one));
  if (unknown !== undefined) {
    throw new CommandError('PARTITION_UNKNOWN', `the topic has no partition ${unknown}`);
  }
  const chosen = partitions.filter(({ partition }) => wanted?.includes(partition) ?? true);
  const anew = chosen.find(isMadeAnew);
  if (anew !== undefined) {
    throw new CommandError(
      'TOPIC_MADE_ANEW',
      `partition ${anew.partition} ends at ${anew.end} and is stored through ${anew.stored}, so the topic was made anew; replay --new-stream begins to count it`,
    );
  }
  return chosen;
}
