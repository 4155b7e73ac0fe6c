/** Offsets whose records cannot be decoded, and why. */
export interface Unreadable {
  first: number;
  /** The last offset. */
  through: number;
  /** What is wrong with the batch, for people. */
  reason: string;
  /** The batch as stored by the broker. */
  bytes: Buffer;
}

const UNREADABLE = Symbol('unreadable');

/** Marks a record as a placeholder for these offsets. */
export function markUnreadable<T extends object>(record: T, unreadable: Unreadable): T {
  return Object.assign(record, { [UNREADABLE]: unreadable });
}

/** The unreadable offsets that a message from kafkajs is a placeholder for; undefined for a real record. */
export function unreadableOf(message: object): Unreadable | undefined {
  return (message as { [UNREADABLE]?: Unreadable })[UNREADABLE];
}
