import { setTimeout as sleep } from 'node:timers/promises';
import { CounterSession, readGenerations } from '@calltally/counters';
import { partitionId, type Store } from '@calltally/store';
import type { Admin } from 'kafkajs';
import type { OpsSettings } from './context.ts';
import { committedBy, opsKafka, withAdmin } from './kafka.ts';
import { isRecreated, requireTopic, viewTopic } from './topic-view.ts';

/**
 * - `done`: everything is committed.
 * - `behind`: events are not committed, but the committed offset moved between two readings.
 * - `stuck`: events are not committed, and the committed offset did not move.
 * - `recreated`: the topic ends below what is stored, so ingest refuses it; see `replay --new-stream`.
 */
export type LagState = 'done' | 'behind' | 'stuck' | 'recreated';

/** The lag of one partition. Offsets are those of the next event; `stored` and `counted` are those of the last one. */
export interface PartitionLag {
  partition: number;
  state: LagState;
  /** Null before the first commit of the group, which then starts with the first event there is. */
  committed: number | null;
  /** The high watermark. Events of open transactions lie below it, too. */
  end: number;
  /** Offsets between `committed` and `end`. */
  behind: number;
  /** 0 when nothing is behind, else the age of as-of; null if ingest has never written it. */
  seconds_behind: number | null;
  /** All events through this offset are in Mongo; null before the first. */
  stored: number | null;
  /** Every Redis master counts everything through this offset; null if that is unknown, or Redis is away. */
  counted: number | null;
  /** Why a partition is stuck, as a code of docs/operations.md; null if unknown, or if it is not stuck. */
  reason: string | null;
  /** The last offsets of the partition that could not be read; null if all could be. `at` is RFC 3339. */
  unreadable: { first: number; through: number; at: string } | null;
}

export interface Lag {
  topic: string;
  group: string;
  stream: number;
  /** Events of all partitions that are not committed. */
  behind: number;
  /** 0 when nothing is behind, else the age of `as_of`; null if ingest has never written it. */
  seconds_behind: number | null;
  /** Everything that was acknowledged to producers by then is in Mongo. */
  as_of: string | null;
  partitions: PartitionLag[];
}

/** Longer than ingest takes for a batch and its commit, or for a rebalance. */
const READINGS_APART_MS = 5_000;
const REDIS_COMMAND_TIMEOUT_MS = 3_000;
const REDIS_OPEN_TIMEOUT_MS = 2_000;

/**
 * Reads the lag once, and again a few seconds later if a partition is behind.
 * @throws CommandError TOPIC_UNKNOWN, StoreError, errors of kafkajs
 */
export async function readLag(settings: OpsSettings, store: Store, signal: AbortSignal): Promise<Lag> {
  return withAdmin(opsKafka(settings.kafka), async (admin) => {
    await requireTopic(admin, settings.kafka.topic);
    const first = await readOnce(admin, settings, store);
    if (first.behind === 0 || signal.aborted) return first;
    await sleep(READINGS_APART_MS, undefined, { signal }).catch(() => {});
    const second = await readOnce(admin, settings, store);
    const before = new Map(first.partitions.map((one) => [one.partition, one]));
    for (const one of second.partitions) {
      const { state, committed } = before.get(one.partition) ?? {};
      const stood = state === 'behind' && committed === one.committed;
      if (one.state === 'behind' && stood) one.state = 'stuck';
      else one.reason = null;
    }
    return second;
  });
}

async function readOnce(admin: Admin, { kafka, redis }: OpsSettings, store: Store): Promise<Lag> {
  const { topic, groupId } = kafka;
  const committed = await committedBy(admin, groupId, topic);
  // Ends are read after the committed offsets, so that no partition seems to be ahead of its end.
  const { stream, partitions: views } = await viewTopic(admin, store, topic);
  const ends = new Map(
    (await admin.fetchTopicOffsets(topic, { readUncommitted: true })).map(({ partition, high }) => [
      partition,
      Number(high),
    ]),
  );
  const [asOf, notes, checkpoints] = await Promise.all([
    store.progress.asOfByPartition(stream),
    store.progress.notes(stream),
    readCheckpoints(redis),
  ]);
  const partitions = views.map((view): PartitionLag => {
    const { partition, earliest, end: lastStable, stored } = view;
    const end = ends.get(partition) ?? lastStable;
    const { held, unreadable } = notes.get(partition) ?? {};
    const offset = committed.get(partition);
    const isHeldByTransaction = lastStable < end && (offset ?? 0) >= lastStable;
    const behind = Math.max(0, end - Math.max(offset ?? 0, earliest));
    const through = checkpoints?.map((one) => one.get(partitionId(stream, partition)) ?? -1) ?? [-1];
    const counted = Math.min(...through);
    return {
      partition,
      state: isRecreated(view) ? 'recreated' : behind === 0 ? 'done' : 'behind',
      committed: offset ?? null,
      end,
      behind,
      seconds_behind: secondsBehind(behind, asOf.get(partition)),
      stored: stored < 0 ? null : stored,
      counted: counted < 0 ? null : counted,
      reason: isHeldByTransaction ? 'KAFKA_TRANSACTION_OPEN' : (held?.code ?? null),
      unreadable: unreadable ? { ...unreadable, at: unreadable.at.toISOString() } : null,
    };
  });
  const behind = partitions.reduce((sum, one) => sum + one.behind, 0);
  const times = partitions.map(({ partition }) => asOf.get(partition));
  const asOfMs = times.includes(undefined) ? undefined : Math.min(...(times as number[]));
  return {
    topic,
    group: groupId,
    stream,
    behind,
    seconds_behind: secondsBehind(behind, asOfMs),
    as_of: asOfMs === undefined ? null : new Date(asOfMs).toISOString(),
    partitions,
  };
}

/** The checkpoints of every master; undefined if Redis is away, or a master has never counted. */
async function readCheckpoints(
  redis: OpsSettings['redis'],
): Promise<ReadonlyMap<string, number>[] | undefined> {
  const limits = { commandTimeoutMs: REDIS_COMMAND_TIMEOUT_MS, openTimeoutMs: REDIS_OPEN_TIMEOUT_MS };
  const session = await CounterSession.open({ ...redis, ...limits }).catch(() => undefined);
  if (session === undefined) return undefined;
  try {
    const generations = await readGenerations(session);
    if (generations.size < session.masters.length) return undefined;
    return [...generations.values()].map(({ checkpoints }) => checkpoints);
  } catch {
    return undefined;
  } finally {
    session.end('checkpoints were read');
  }
}

function secondsBehind(behind: number, asOfMs: number | undefined): number | null {
  if (behind === 0) return 0;
  return asOfMs === undefined ? null : Math.max(0, Math.round(Date.now() - asOfMs) / 1000);
}
