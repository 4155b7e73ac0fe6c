import { beginGenerations, type CounterSession, type Generations } from '@calltally/counters';
import { cutKey, type Store } from '@calltally/store';
import type { Books } from './recount.ts';

/** What Kafka knows of a partition when a consumer begins. Offsets are those of the next event. */
export interface PartitionState {
  partition: number;
  /** Committed by the consumer group; undefined before the first commit. */
  committed: number | undefined;
  /** The first offset that the topic still holds. */
  earliest: number;
  /** The offset that the next produced event will get. */
  end: number;
}

export type Start =
  | { kind: 'at'; partition: number; offset: number; lost?: { from: number; until: number } }
  /** The topic ends below what is in Mongo: it was deleted and made anew, and its offsets mean other events now. */
  | { kind: 'refused'; partition: number; end: number; stored: number };

/**
 * Begins to count with a fresh session: finds the generation of each master, or begins one, and says from where each
 * partition is to be read (rule 4): from the committed offset or from just behind the mark, whichever is lower.
 *
 * `lost` names events that the topic let go before they were ever read.
 *
 * @param states every partition of the topic, not only those assigned to this consumer
 * @throws CountersError, StoreError
 */
export async function beginCounting(
  store: Store,
  session: CounterSession,
  topic: { stream: number; states: readonly PartitionState[]; retentionMonths: number },
): Promise<{ books: Books; starts: Start[] }> {
  const { stream, states, retentionMonths } = topic;
  // As-of must not speak for partitions that nobody has read from yet.
  await store.progress.expect(
    stream,
    states.map(({ partition }) => partition),
  );
  const stored = await store.progress.stored();
  const reaches = states.map((state) => reachOf(state, stored.get(cutKey(stream, state.partition)) ?? -1));
  const through = new Map(reaches.map((reach) => [cutKey(stream, reach.partition), reach.committed - 1]));

  let generations = await beginGenerations(session, { retentionMonths, through });
  const unreachable = generationsBeyondReach(generations, stream, reaches);
  if (unreachable.size > 0) {
    generations = await beginGenerations(session, { retentionMonths, through, replacing: unreachable });
  }

  const starts = reaches.map(({ partition, committed, readOnce, earliest, end, stored }): Start => {
    if (end <= stored) return { kind: 'refused', partition, end, stored };
    const wanted = Math.min(committed, lowestMark(generations, cutKey(stream, partition)) + 1);
    const offset = Math.max(wanted, earliest);
    const neverRead = Math.max(wanted, readOnce);
    if (neverRead >= earliest) return { kind: 'at', partition, offset };
    return { kind: 'at', partition, offset, lost: { from: neverRead, until: earliest } };
  });
  return { books: { store, session, generations }, starts };
}

interface Reach {
  partition: number;
  /** Where the consumer group stands. */
  committed: number;
  /** Everything below it was read at least once, and is in Mongo unless Mongo lost it. */
  readOnce: number;
  earliest: number;
  end: number;
  stored: number;
}

/**
 * Without a commit the group stands behind what is in Mongo, and else at the first event there is. A commit may be
 * missing although there was one: kafkajs overwrites it when the topic no longer holds it, perhaps before we ask.
 */
function reachOf({ partition, committed, earliest, end }: PartitionState, stored: number): Reach {
  const stands = committed ?? (stored >= 0 ? stored + 1 : earliest);
  return { partition, committed: stands, readOnce: Math.max(stands, stored + 1), earliest, end, stored };
}

function lowestMark(generations: Generations, partition: string): number {
  return Math.min(...[...generations.values()].map(({ marks }) => marks.get(partition) ?? -1));
}

/**
 * Generations whose marks ask for events that were read once but that the topic no longer holds. Their counters
 * cannot be brought forward, so a new generation takes their place and everything is recounted from rows.
 */
function generationsBeyondReach(
  generations: Generations,
  stream: number,
  reaches: readonly Reach[],
): Set<string> {
  const beyond = new Set<string>();
  for (const { id, marks } of generations.values()) {
    for (const { partition, earliest, readOnce } of reaches) {
      const next = (marks.get(cutKey(stream, partition)) ?? -1) + 1;
      if (next < earliest && next < readOnce) beyond.add(id);
    }
  }
  return beyond;
}
