/** What identifies a call: ids are unique only within a user. */
export interface CallIdentity {
  callId: string;
  userId: string;
}

/** A completed call. `startedAt` (epoch ms) decides day, week and month. */
export interface Call extends CallIdentity {
  startedAt: number;
  durationMs: number;
  agentId?: string;
  /** One of `DIRECTIONS`, or the platform's own value. */
  direction?: string;
  /** One of `STATUSES`, or the platform's own value. */
  status?: string;
  /** The highest revision of a call counts. Absent: 0. */
  revision?: number;
}

/** A call that is taken back. */
export interface DeletedCall extends CallIdentity {
  deleted: true;
  /** At least 1. */
  revision: number;
  startedAt?: never;
  durationMs?: never;
  agentId?: never;
  direction?: never;
  status?: never;
}

/** What an event says about a call. */
export type CallVersion = Call | DeletedCall;

export function isDeleted(call: CallVersion): call is DeletedCall {
  return 'deleted' in call;
}
