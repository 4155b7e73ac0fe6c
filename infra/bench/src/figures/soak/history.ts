import type { CallEvent } from '@calltally/contract';

const DAY_MS = 86_400_000;
export const HISTORY_DAYS = 60;
const CALLS_A_USER = 120;

/** What the users have done in the two months before, so that ranges have something to find. */
export function history(userIds: readonly string[], until: number): CallEvent[] {
  const stepMs = (HISTORY_DAYS * DAY_MS) / CALLS_A_USER;
  return Array.from({ length: CALLS_A_USER }, (_, i) =>
    userIds.map((userId, user) => ({
      call_id: `history-${userId}-${i}`,
      user_id: userId,
      started_at: new Date(until - (CALLS_A_USER - i) * stepMs + user * 1_000).toISOString(),
      duration_seconds: 60,
    })),
  ).flat();
}
