import type { UserDaySums } from '@calltally/counters';
import { addTallies, type Tally, ZERO_TALLY } from '@calltally/domain';
import { type PartitionDayTally, partitionId } from '@calltally/store';

/** What rows say of each of some users, sums by UTC day whatever partition they came by. */
export function userDaySumsOf(
  userIds: readonly string[],
  tallies: readonly PartitionDayTally[],
): UserDaySums[] {
  const users = new Map(
    userIds.map((userId) => [
      userId,
      { userId, days: new Map<number, Tally>(), partitions: new Set<string>(), lastStartedAt: -1 },
    ]),
  );
  for (const tally of tallies) {
    const user = users.get(tally.userId)!;
    user.days.set(tally.day, addTallies(user.days.get(tally.day) ?? ZERO_TALLY, tally));
    user.partitions.add(partitionId(tally.stream, tally.partition));
    user.lastStartedAt = Math.max(user.lastStartedAt, tally.lastStartedAt);
  }
  return [...users.values()];
}
