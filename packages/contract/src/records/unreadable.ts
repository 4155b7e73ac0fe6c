/** Offsets of the topic whose records cannot be read, and why. */
export interface Unreadable {
  first: number;
  /** The last of them. */
  through: number;
  /** For people: what is wrong with the batch. */
  reason: string;
  /** The batch as the broker holds it. */
  bytes: Buffer;
}

const UNREADABLE = Symbol('unreadable');

/** @returns the record, which stands for all these offsets from here on */
export function markUnreadable<T extends object>(record: T, unreadable: Unreadable): T {
  return Object.assign(record, { [UNREADABLE]: unreadable });
}

/** What a message that kafkajs handed on stands for where it is no record; undefined for every other message. */
export function unreadableOf(message: object): Unreadable | undefined {
  return (message as { [UNREADABLE]?: Unreadable })[UNREADABLE];
}
