/** A completed call. `startedAt` (epoch ms) decides day, week and month. */
export interface Call {
  callId: string;
  userId: string;
  startedAt: number;
  durationMs: number;
  agentId?: string;
  /** One of `DIRECTIONS`, or the platform's own value. */
  direction?: string;
  /** One of `STATUSES`, or the platform's own value. */
  status?: string;
}
