import {
  type Difference,
  discardCounters,
  type LedgerContext,
  replaceUsers,
  sumsOfTopic,
  TopicSums,
} from '@calltally/ledger';
import type { Store } from '@calltally/store';
import type { OpsSettings } from '../context.ts';
import { CommandError } from '../failure.ts';
import { opsKafka, withAdmin } from '../kafka.ts';
import { generationIds, type LedgerConnection } from '../ledger-connection.ts';
import { compareWithMongo } from './compare.ts';
import { ErasedEvents } from './erased-events.ts';
import { TopicReader } from './topic-reader.ts';
import { requireWitness } from './witness.ts';

export type Phase = 'read' | 'fill' | 'compare';

export interface FromKafkaHooks {
  /** The counters are thrown away. @param offsets how many the topic has */
  onStart(partitions: number, offsets: number): void;
  /** @param of offsets of both readings, or users */
  onProgress(phase: Phase, done: number, of: number): void;
  /** Users whom others opened again at each attempt, so that the sums could not be put in place. */
  onFailed(userIds: readonly string[]): void;
  onDifferences(differences: readonly Difference[]): void;
}

export interface FromKafka {
  /** Users with calls on the topic. */
  users: number;
  calls: number;
  failed: number;
  /** Users whose counters differ from Mongo. */
  drifted: number;
  differences: number;
  /** False if it was stopped before the end. */
  complete: boolean;
}

const USERS_A_PIECE = 200;

/**
 * Throws all counters away and fills them from the topic alone, while ingest goes on and dashboards are answered from
 * Mongo. Then compares them with Mongo. A kill leaves counters that are unknown or right; the next run starts again.
 *
 * @throws CommandError, CountersError, LedgerError, StoreError, errors of kafkajs
 */
export async function rebuildFromKafka(
  settings: OpsSettings,
  connection: LedgerConnection,
  store: Store,
  hooks: FromKafkaHooks,
  signal: AbortSignal,
): Promise<FromKafka> {
  const { topic, groupId } = settings.kafka;
  const kafka = opsKafka(settings.kafka);
  const done: FromKafka = { users: 0, calls: 0, failed: 0, drifted: 0, differences: 0, complete: false };
  const work = withAdmin(kafka, async (admin) => {
    const { stream, partitions } = await connection.use(
      ({ generations }) => requireWitness(admin, store, generations, topic),
      signal,
    );
    signal.throwIfAborted();
    const numbers = partitions.map(({ partition }) => partition);
    const use = await discardAll(connection, stream, numbers, signal);
    const offsets = partitions.reduce((sum, { end }) => sum + end, 0);
    hooks.onStart(partitions.length, offsets);
    const sums = new TopicSums(store, stream, offsets);
    const erased = await use(() => ErasedEvents.read(store));
    // Before the reader asks for the ends of what it reads twice.
    const stored = await use(() => store.progress.storedThrough());
    const reader = new TopicReader({
      kafka,
      admin,
      topic,
      groupId: `${groupId}.rebuild`,
      sums,
      isErased: (partition, { offset, call }) => erased.has(call.userId, { stream, partition, offset }),
      sumUp: () => use(() => sums.sumThrough(stored)),
      onProgress: (read) => hooks.onProgress('read', Math.min(read, 2 * offsets), 2 * offsets),
      signal,
    });
    try {
      await reader.readTwice();
      const sumsAt = sumsOfTopic(sums, () => reader.readOn());
      for (const userIds of piecesOf(sums.users.ids())) {
        signal.throwIfAborted();
        const before = await use(() => erased.changed());
        const own = userIds.filter((userId) => !before.has(userId));
        const left = await use((ledger) => replaceUsers(ledger, own, erased.leaveOut(sumsAt)));
        const changed = left.length > 0 ? await use(() => erased.changed()) : before;
        const failed = left.filter((userId) => !changed.has(userId));
        if (failed.length > 0) hooks.onFailed(failed);
        done.users += userIds.length;
        done.calls = sums.users.calls;
        done.failed += failed.length;
        hooks.onProgress('fill', done.users, sums.users.size);
      }
      let compared = 0;
      for await (const { users, differences } of compareWithMongo({ store, sums, sumsAt, erased, use })) {
        signal.throwIfAborted();
        compared += users;
        done.drifted += new Set(differences.map(({ userId }) => userId)).size;
        done.differences += differences.length;
        if (differences.length > 0) hooks.onDifferences(differences);
        hooks.onProgress('compare', compared, Math.max(compared, sums.users.size));
      }
      done.complete = true;
    } finally {
      await reader.close();
    }
  });
  await work.catch((thrown) => {
    if (!signal.aborted) throw thrown;
  });
  return done;
}

/** @returns `LedgerConnection.use`, but only as long as the generation lasts that begins here */
async function discardAll(
  connection: LedgerConnection,
  stream: number,
  partitions: readonly number[],
  signal: AbortSignal,
) {
  await connection.use((ledger) => discardCounters(ledger, stream, partitions), signal);
  connection.close();
  const begun = await connection.use(async ({ generations }) => generationIds(generations), signal);
  return <T>(work: (ledger: LedgerContext) => Promise<T>): Promise<T> =>
    connection.use(async (ledger) => {
      if (generationIds(ledger.generations) === begun) return work(ledger);
      throw new CommandError(
        'GENERATION_BEGUN',
        'Redis was emptied, or another generation was begun meanwhile; run the command again',
      );
    }, signal);
}

/** Iterates the ids as they grow, so users who come meanwhile are filled, too. */
function* piecesOf(userIds: Iterable<string>): Generator<string[]> {
  let piece: string[] = [];
  for (const userId of userIds) {
    piece.push(userId);
    if (piece.length < USERS_A_PIECE) continue;
    yield piece;
    piece = [];
  }
  if (piece.length > 0) yield piece;
}
