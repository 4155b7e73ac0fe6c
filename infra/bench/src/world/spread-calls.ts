import type { Call } from '@calltally/domain';

/** The same number of calls for each user, at even distances from `from` to `until`; the same ones each time. */
export function* spreadCalls(
  userIds: Iterable<string>,
  callsEach: number,
  { from, until }: { from: number; until: number },
): Generator<Call> {
  const stepMs = (until - from) / callsEach;
  let user = 0;
  for (const userId of userIds) {
    // Not all users at the same moment.
    const shiftMs = (user++ * 7_919_000) % stepMs;
    for (let i = 0; i < callsEach; i++) {
      yield {
        callId: `${userId}-${i}`,
        userId,
        startedAt: from + Math.floor(i * stepMs + shiftMs),
        durationMs: 1_000 + ((user * 31 + i) % 600) * 1_000,
        direction: 'inbound',
        status: 'completed',
      };
    }
  }
}

/** `user-000000`, `user-000001`, … */
export function userIdsUpTo(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `user-${String(i).padStart(6, '0')}`);
}
