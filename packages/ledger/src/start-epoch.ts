import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CounterSession,
  ensureGenerations,
  type Generations,
  settleGenerations,
} from '@calltally/counters';
import { partitionId, type Store } from '@calltally/store';
import { forgetErased } from './forget-erased.ts';
import type { LedgerContext } from './ledger-context.ts';
import { type PartitionOffsets, type ResumePoint, resumePointOf } from './resume-point.ts';

export type PartitionStart =
  | {
      kind: 'at';
      partition: number;
      offset: number;
      /** Every event through this offset is in Mongo already; -1 for none. */
      storedThrough: number;
      /** Events that are not in Mongo and that the topic no longer holds. */
      lost?: { from: number; until: number };
    }
  /** The topic ends at or below what is in Mongo. It was recreated, and its offsets mean other events now. */
  | { kind: 'refused'; partition: number; end: number; storedThrough: number };

/** How often to look before Mongo counts as behind: a primary that was just elected may tell an older state. */
const LOOKS_MAX = 3;
const LOOK_PAUSE_MS = 200;

/**
 * Starts an assignment epoch with a fresh session. Finds or begins the generation of each master that is there, and decides
 * from where to read each partition (rule 4): from the committed offset, just behind the checkpoint, or just behind what is in Mongo,
 * whichever is lowest. Rows are written before checkpoints, and checkpoints before commits, so Mongo is never behind. If it
 * is all the same, what it lost is read again, as far as the topic still holds it:
 *
 * - **Mongo is back in an older state**: read from behind the older `stored`. Redis counts calls whose rows are gone and may
 *   come back by another event, so what it has applied says nothing any more. Its generation ends, and everybody is
 *   filled from rows.
 * - **Mongo is empty, or another one**: nothing is stored of a partition that has a commit or a checkpoint. Read from the
 *   first event that the topic holds, in a new generation.
 * - **An operator moved the group's offsets**: back is followed, and adds nothing twice. Forward is not, because `stored`
 *   would then cover events without rows.
 * - **A master was absent, or is back in a much older state**: the others went on without it. It begins a new generation
 *   rather than have very many events read again for its users alone.
 * - **A new group**: a partition without a commit goes on with the last stored event, or begins at its first event.
 *
 * A Redis that is back in an older state may have counters of users who were erased since. They are deleted.
 *
 * `lost` names events that are not in Mongo and that the topic no longer holds. If the topic holds nothing that Redis
 * counted, its checkpoints cannot show that Mongo lost rows, and the generation goes on. The lost offsets are named, and a
 * rebuild makes the counters equal the remaining rows.
 *
 * @param topic.partitions every partition of the topic, not only those assigned to this consumer
 * @param topic.adoptsSlots leaves the slots of a cluster as another process has just noted them
 * @throws CountersError, StoreError
 */
export async function startEpoch(
  store: Store,
  session: CounterSession,
  topic: {
    topicEpoch: number;
    partitions: readonly PartitionOffsets[];
    retentionMonths: number;
    /** Default: `CELLS_MAX`. */
    cellsMax?: number | undefined;
    adoptsSlots?: boolean;
  },
): Promise<{ ledger: LedgerContext; starts: PartitionStart[] }> {
  const { topicEpoch, partitions, retentionMonths, cellsMax, adoptsSlots = false } = topic;
  const idOf = ({ partition }: { partition: number }) => partitionId(topicEpoch, partition);
  // A backup of the version before may have been put back. Nothing is written beside its rows.
  await store.upgrade.requireDone();
  // As-of must not cover partitions that nobody has read from yet.
  await store.progress.registerPartitions(
    topicEpoch,
    partitions.map(({ partition }) => partition),
  );
  await store.erasures.tellPartitions();
  const stored = await store.progress.storedThrough();
  const resumePoints = partitions.map((offsets) => resumePointOf(offsets, stored.get(idOf(offsets)) ?? -1));
  const through = new Map(resumePoints.map((point) => [idOf(point), point.countable]));

  const ending = await settleGenerations(session, adoptsSlots);
  const begin = { retentionMonths, cellsMax, through, adoptsSlots };
  let generations = await ensureGenerations(session, { ...begin, replacing: ending });
  const replacing = new Set([
    ...generationsOutOfReach(generations, topicEpoch, resumePoints),
    ...(await generationsAheadOfMongo(store, generations, topicEpoch, resumePoints)),
  ]);
  if (replacing.size > 0) {
    generations = await ensureGenerations(session, { ...begin, replacing });
  }

  const starts = resumePoints.map((point): PartitionStart => {
    const { partition, from, lost, earliest, end, storedThrough } = point;
    if (end <= storedThrough) return { kind: 'refused', partition, end, storedThrough };
    const checkpoints = [...generations.values()].map((one) => one.checkpoints.get(idOf(point)) ?? -1);
    const offset = Math.max(Math.min(from, ...checkpoints.map((checkpoint) => checkpoint + 1)), earliest);
    return { kind: 'at', partition, offset, storedThrough, ...(lost && { lost }) };
  });
  const ledger = { store, session, generations };
  await forgetErased(ledger);
  return { ledger, starts };
}

/**
 * Events of one partition that are read again for a master that went back. Many more than the in-flight batches, by
 * which a checkpoint may always be behind, and a few seconds' work.
 */
export const REREAD_MAX = 100_000;

/**
 * Generations whose checkpoints ask for events that are in Mongo but no longer on the topic, or for very many. Then a new
 * generation begins, and the master's users are filled from rows. Everybody else would have to wait while so many events
 * are read again.
 */
function generationsOutOfReach(
  generations: Generations,
  topicEpoch: number,
  resumePoints: readonly ResumePoint[],
): Set<string> {
  const outOfReach = new Set<string>();
  for (const { id, checkpoints } of generations.values()) {
    for (const { partition, earliest, storedThrough } of resumePoints) {
      const next = (checkpoints.get(partitionId(topicEpoch, partition)) ?? -1) + 1;
      const hasExpired = next < earliest && next <= storedThrough;
      if (hasExpired || storedThrough - next >= REREAD_MAX) outOfReach.add(id);
    }
  }
  return outOfReach;
}

/**
 * Generations that count further than Mongo has rows, because Mongo went back. Reads `stored` after the checkpoints:
 * others go on counting meanwhile, and they raise `stored` first. A checkpoint just below the first offset that the
 * topic holds claims nothing.
 *
 * @returns their ids
 * @throws StoreError
 */
export async function generationsAheadOfMongo(
  store: Store,
  generations: Generations,
  topicEpoch: number,
  partitions: readonly { partition: number; earliest: number }[],
): Promise<Set<string>> {
  for (let look = 1; ; look++) {
    const stored = await store.progress.storedThrough();
    const ahead = [...generations.values()].filter(({ checkpoints }) =>
      partitions.some(({ partition, earliest }) => {
        const id = partitionId(topicEpoch, partition);
        return (checkpoints.get(id) ?? -1) > Math.max(stored.get(id) ?? -1, earliest - 1);
      }),
    );
    if (ahead.length === 0 || look === LOOKS_MAX) return new Set(ahead.map(({ id }) => id));
    await sleep(LOOK_PAUSE_MS);
  }
}
