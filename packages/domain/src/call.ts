export const DIRECTIONS = ['inbound', 'outbound', 'web'] as const;
export type Direction = (typeof DIRECTIONS)[number];

export const STATUSES = ['completed', 'failed', 'busy', 'no_answer', 'canceled', 'voicemail'] as const;
export type Status = (typeof STATUSES)[number];

/**
 * Regex source of a `call_id` or `user_id`: 1–128 characters, the first one alphanumeric.
 * Anchored, because JSON Schema searches a pattern anywhere in the text. The last `-` is a literal.
 */
export const ID_PATTERN = '^[A-Za-z0-9][A-Za-z0-9_.:@|-]{0,127}$';

/** A completed call. `startedAt` is epoch milliseconds and decides day, week and month. */
export interface Call {
  callId: string;
  userId: string;
  startedAt: number;
  durationMs: number;
  agentId?: string;
  direction?: Direction;
  status?: Status;
}

/** Whether two calls agree in every field; an absent field equals only an absent one. */
export function sameCall(a: Call, b: Call): boolean {
  return (
    a.callId === b.callId &&
    a.userId === b.userId &&
    a.startedAt === b.startedAt &&
    a.durationMs === b.durationMs &&
    a.agentId === b.agentId &&
    a.direction === b.direction &&
    a.status === b.status
  );
}
