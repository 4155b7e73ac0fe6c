import { setTimeout as sleep } from 'node:timers/promises';
import { type CounterSession, ensureGenerations, type Generations } from '@calltally/counters';
import { partitionId, type Store } from '@calltally/store';
import type { LedgerContext } from './ledger-context.ts';
import { type PartitionOffsets, type ResumePoint, resumePointOf } from './resume-point.ts';

export type PartitionStart =
  | {
      kind: 'at';
      partition: number;
      offset: number;
      /** Every event through this offset is in Mongo already; -1 for none. */
      stored: number;
      /** Events that are not in Mongo and that the topic no longer holds. */
      lost?: { from: number; until: number };
    }
  /** The topic ends below what is in Mongo: it was deleted and made anew, and its offsets mean other events now. */
  | { kind: 'refused'; partition: number; end: number; stored: number };

/** Looks at `stored` before Mongo is taken to have lost rows: a primary that was just elected may tell older ones. */
const LOOKS = 3;
const LOOK_APART_MS = 200;

/**
 * Begins to count with a fresh session: finds the generation of each master, or begins one, and says from where each
 * partition is to be read (rule 4): from the committed offset, from just behind the checkpoint, or from just behind what is
 * in Mongo, whichever is lowest. In an ordinary life rows come before checkpoints, and checkpoints before commits, so that Mongo
 * is never behind. Where it is, what it lost is read again, as far as the topic still holds it:
 *
 * - **Mongo is back in an older state**: from behind the older `stored`. Redis counts calls whose rows are gone and may
 *   come back by another event, so what it has applied says nothing any more: its generation is given up, and
 *   everybody is filled from rows.
 * - **Mongo is empty, or another one**: nothing is stored of a partition that has a commit or a checkpoint; from the first
 *   event that the topic holds, in a new generation.
 * - **An operator moved the group's offsets**: back is followed, and adds nothing twice; forward is not, since `stored`
 *   would claim rows that nobody has seen.
 * - **A fresh group**: a partition without a commit goes on behind what is stored, and else begins at its first event.
 *
 * `lost` names what cannot be read: events that are not in Mongo and that the topic let go. Where the topic has let go
 * of everything that Redis counted, its checkpoints cannot show that Mongo lost rows, and the generation goes on: the lost
 * offsets are named, and a rebuild makes the counters those of the rows that are left.
 *
 * @param topic.states every partition of the topic, not only those assigned to this consumer
 * @throws CountersError, StoreError
 */
export async function startEpoch(
  store: Store,
  session: CounterSession,
  topic: { stream: number; states: readonly PartitionOffsets[]; retentionMonths: number },
): Promise<{ ledger: LedgerContext; starts: PartitionStart[] }> {
  const { stream, states, retentionMonths } = topic;
  // As-of must not speak for partitions that nobody has read from yet.
  await store.progress.registerPartitions(
    stream,
    states.map(({ partition }) => partition),
  );
  const stored = await store.progress.storedThrough();
  const resumePoints = states.map((state) =>
    resumePointOf(state, stored.get(partitionId(stream, state.partition)) ?? -1),
  );
  const through = new Map(
    resumePoints.map(({ partition, countable }) => [partitionId(stream, partition), countable]),
  );

  let generations = await ensureGenerations(session, { retentionMonths, through });
  const replacing = new Set([
    ...generationsBeyondTopic(generations, stream, resumePoints),
    ...(await generationsAheadOfMongo(store, generations, stream, resumePoints)),
  ]);
  if (replacing.size > 0) {
    generations = await ensureGenerations(session, { retentionMonths, through, replacing });
  }

  const starts = resumePoints.map(({ partition, from, lost, earliest, end, stored }): PartitionStart => {
    if (end <= stored) return { kind: 'refused', partition, end, stored };
    const wanted = Math.min(from, lowestCheckpoint(generations, partitionId(stream, partition)) + 1);
    const start = { kind: 'at', partition, offset: Math.max(wanted, earliest), stored } as const;
    return lost === undefined ? start : { ...start, lost };
  });
  return { ledger: { store, session, generations }, starts };
}

function lowestCheckpoint(generations: Generations, partition: string): number {
  return Math.min(...[...generations.values()].map(({ checkpoints }) => checkpoints.get(partition) ?? -1));
}

/**
 * Generations whose checkpoints ask for events that are in Mongo but that the topic no longer holds. Their counters cannot
 * be brought forward, so a new generation takes their place and everybody is filled from rows.
 */
function generationsBeyondTopic(
  generations: Generations,
  stream: number,
  resumePoints: readonly ResumePoint[],
): Set<string> {
  const beyond = new Set<string>();
  for (const { id, checkpoints } of generations.values()) {
    for (const { partition, earliest, stored } of resumePoints) {
      const next = (checkpoints.get(partitionId(stream, partition)) ?? -1) + 1;
      if (next < earliest && next <= stored) beyond.add(id);
    }
  }
  return beyond;
}

/**
 * Generations that count further than Mongo has rows: Mongo went back. `stored` is read after the checkpoints, since others
 * go on counting meanwhile and raise it before them. Where the topic holds nothing below an offset, a checkpoint just below
 * it claims nothing.
 *
 * @returns their ids
 * @throws StoreError
 */
export async function generationsAheadOfMongo(
  store: Store,
  generations: Generations,
  stream: number,
  partitions: readonly { partition: number; earliest: number }[],
): Promise<Set<string>> {
  for (let look = 1; ; look++) {
    const stored = await store.progress.storedThrough();
    const ahead = [...generations.values()].filter(({ checkpoints }) =>
      partitions.some(({ partition, earliest }) => {
        const key = partitionId(stream, partition);
        return (checkpoints.get(key) ?? -1) > Math.max(stored.get(key) ?? -1, earliest - 1);
      }),
    );
    if (ahead.length === 0 || look === LOOKS) return new Set(ahead.map(({ id }) => id));
    await sleep(LOOK_APART_MS);
  }
}
