/** Largest value on the topic, in bytes. An event with all fields has about 400. */
export const EVENT_SIZE_MAX_BYTES = 64 * 1024;

/** Seven days. A longer duration is a fault of the producer's clock. */
export const DURATION_MAX_SECONDS = 604_800;

/**
 * How much `duration_seconds` may exceed the time from start to end: either may be rounded. Talk time is often shorter than
 * the call but never longer, so a larger value is milliseconds written as seconds.
 */
export const DURATION_BEYOND_END_MAX_MS = 1_000;

/** How far `started_at` may lie ahead of the reader's clock. */
export const STARTED_AT_AHEAD_MAX_MS = 5 * 60_000;

/** 2000-01-01T00:00:00Z. An older start comes from a clock that was never set. */
export const STARTED_AT_MIN_MS = 946_684_800_000;

/**
 * The fields of a call event, written out for those who read them in an editor; a test compares them with the schema. Null in
 * an optional field counts as absent.
 */
export interface CallEventFields {
  /** Identifies the call among those of its user: 1 to 256 characters. */
  call_id: string;
  /** The user whose call it is. */
  user_id: string;
  /** RFC 3339 with offset, such as `2026-03-01T09:30:00+01:00`. */
  started_at?: string | null;
  /** How long the call lasted. Takes precedence over `ended_at`. */
  duration_seconds?: number | null;
  /** RFC 3339 with offset. Gives the duration if `duration_seconds` is absent, and otherwise limits it. */
  ended_at?: string | null;
  /** The person or voice agent who took the call. */
  agent_id?: string | null;
  /** `inbound`, `outbound`, `web` or the platform's own. */
  direction?: string | null;
  /** `completed`, `failed`, `busy`, `no_answer`, `canceled`, `voicemail` or the platform's own. */
  status?: string | null;
  /** A whole number. The highest revision of a call counts; of equal ones, the first that arrives. Absent: 0. */
  revision?: number | null;
  /** True takes the call back. Requires a revision of at least 1, and no times. */
  deleted?: boolean | null;
}

/** The event of a completed call. */
export type CompletedCallEvent = CallEventFields & { started_at: string; deleted?: false | null };

/** The event that takes a call back. */
export type DeletedCallEvent = CallEventFields & { deleted: true; revision: number };

/** A call event as producers write it. */
export type CallEvent = CompletedCallEvent | DeletedCallEvent;
