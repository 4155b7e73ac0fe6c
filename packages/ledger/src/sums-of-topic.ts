import type { SumsAt } from './repair.ts';
import type { TopicSums } from './topic-sums.ts';

/**
 * What users are filled with where the topic is the witness: `stored` (the cut S) has been read, now everything is
 * read that the topic holds (through its ends E), and then the sums are those through S.
 *
 * Why these are exactly the canonical events at or below S: an event e at or below S had its row inserted, or found
 * another event's row, before S was read. The event c that the row names was on the topic by then, so it lies below E
 * and was looked at. Where c is another one than e, both have the call's id; so e is doubtful, and Mongo is asked. Where
 * no other event below E has the id, c is e. Nothing that comes later changes this, since the first row stands. Without
 * reading through E, c might lie in a partition whose `stored` is not raised yet: e would count, and ingest counts c.
 *
 * @param readOn resolves when everything is added that the topic held when it was called
 */
export function sumsOfTopic(sums: TopicSums, readOn: () => Promise<void>): SumsAt {
  return async (userIds, stored) => {
    await readOn();
    return sums.at(userIds, stored);
  };
}
