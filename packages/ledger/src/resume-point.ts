/** What Kafka knows of a partition when a consumer begins. Offsets are those of the next event. */
export interface PartitionOffsets {
  partition: number;
  /** Committed by the consumer group; undefined before the first commit. */
  committed: number | undefined;
  /** The first offset that the topic still holds. */
  earliest: number;
  /** The offset that the next produced event will get. */
  end: number;
}

/** From where a partition has to be read, as far as Kafka and Mongo can tell. */
export interface ResumePoint {
  partition: number;
  /** Where the group stands, or where Mongo does, whichever is lower; the topic may no longer hold it. */
  from: number;
  /** What a new generation may claim to count through: below it everything is in Mongo, or nowhere any more. */
  countable: number;
  /** Events that are not in Mongo and that the topic no longer holds. */
  lost: { from: number; until: number } | undefined;
  earliest: number;
  end: number;
  /** Every event through this offset is in Mongo; -1 for none. */
  stored: number;
}

export function resumePointOf(
  { partition, committed, earliest, end }: PartitionOffsets,
  stored: number,
): ResumePoint {
  const from = committed === undefined && stored < 0 ? earliest : Math.min(committed ?? Infinity, stored + 1);
  const lostFrom = firstMissing({ committed, earliest }, stored);
  const lost = lostFrom < earliest ? { from: lostFrom, until: earliest } : undefined;
  return { partition, from, countable: Math.max(from, earliest) - 1, lost, earliest, end, stored };
}

/**
 * The first event that Mongo does not have. The commit does not tell: kafkajs overwrites it with the first event that
 * the topic holds when that is beyond it, perhaps before anybody asks. Only where nothing is stored it has to: one
 * beyond the first event means that events were read of which Mongo knows nothing.
 */
function firstMissing(
  { committed, earliest }: Pick<PartitionOffsets, 'committed' | 'earliest'>,
  stored: number,
): number {
  if (stored >= 0) return stored + 1;
  if (committed === undefined) return earliest;
  return committed > earliest ? 0 : committed;
}
