/** What Kafka knows of a partition when an assignment epoch starts. Offsets are those of the next event. */
export interface PartitionOffsets {
  partition: number;
  /** Committed by the consumer group; undefined before the first commit. */
  committed: number | undefined;
  /** The first offset that the topic still holds. */
  earliest: number;
  /** The offset of the next event to be produced. */
  end: number;
}

/** From where to read a partition, as far as Kafka and Mongo can tell. */
export interface ResumePoint {
  partition: number;
  /**
   * The committed offset or the first one that is not stored, whichever is lower; the last stored one if none is committed.
   * The topic may no longer hold it.
   */
  from: number;
  /** What a new generation may claim as counted: everything through it is in Mongo, or nowhere any more. */
  countable: number;
  /** Events that are not in Mongo and that the topic no longer holds. */
  lost: { from: number; until: number } | undefined;
  earliest: number;
  end: number;
  /** Every event through this offset is in Mongo; -1 for none. */
  storedThrough: number;
}

export function resumePointOf(
  { partition, committed, earliest, end }: PartitionOffsets,
  storedThrough: number,
): ResumePoint {
  const isNew = committed === undefined && storedThrough < 0;
  // If its first commit was lost, the last stored event is read again, so that there is one though no other event comes.
  const from = isNew ? earliest : Math.min(committed ?? storedThrough, storedThrough + 1);
  const lostFrom = firstMissing({ committed, earliest }, storedThrough);
  const lost = lostFrom < earliest ? { from: lostFrom, until: earliest } : undefined;
  return { partition, from, countable: Math.max(from, earliest) - 1, lost, earliest, end, storedThrough };
}

/**
 * The first event that Mongo does not have. The commit does not tell: if the topic begins beyond it, kafkajs overwrites it
 * with the topic's first offset, perhaps before anybody asks. It has to tell only if nothing is stored. Then a commit
 * beyond the first event means that events were read that Mongo does not know.
 */
function firstMissing(
  { committed, earliest }: Pick<PartitionOffsets, 'committed' | 'earliest'>,
  storedThrough: number,
): number {
  if (storedThrough >= 0) return storedThrough + 1;
  if (committed === undefined) return earliest;
  return committed > earliest ? 0 : committed;
}
