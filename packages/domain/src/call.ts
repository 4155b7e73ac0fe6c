/** A completed call. `startedAt` is epoch milliseconds and decides day, week and month. */
export interface Call {
  callId: string;
  userId: string;
  startedAt: number;
  durationMs: number;
  agentId?: string;
  /** One of `DIRECTIONS`, or what the platform calls it. */
  direction?: string;
  /** One of `STATUSES`, or what the platform calls it. */
  status?: string;
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
