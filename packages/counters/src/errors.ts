export type CountersErrorCode =
  | 'COUNTERS_LOST'
  | 'COUNTERS_CREDENTIALS'
  | 'COUNTERS_TLS'
  | 'COUNTERS_EVICTING'
  | 'COUNTERS_TOO_OLD'
  | 'COUNTERS_GENERATION'
  | 'COUNTERS_CONTENDED'
  | 'COUNTERS_MOVING'
  | 'COUNTERS_MOVED';

/**
 * Every failure of Redis that leaves this package.
 * - `COUNTERS_LOST`: a master was lost, or the slot of its own keys has moved. Open another session and start a new epoch.
 * - `COUNTERS_CREDENTIALS`, `COUNTERS_TLS`: no session can be opened, for what the message says; it says no address.
 * - `COUNTERS_GENERATION`: Redis has another generation than the session. The remedy is the same.
 * - `COUNTERS_MOVING`: the user's hash slot is on its way to another master, or the cluster is down. Try again.
 * - `COUNTERS_MOVED`: the user's hash slot is on another master. Leave its users out, until the next session.
 * - `COUNTERS_CONTENDED`: others keep applying the same events. Apply the rest again.
 * - `COUNTERS_EVICTING`: Redis may evict keys, so an absent key could mean anything. Set `maxmemory-policy noeviction`.
 * - `COUNTERS_TOO_OLD`: the server lacks a command that counting needs. Use Redis 7 or newer, or Valkey.
 */
export class CountersError extends Error {
  override readonly name = 'CountersError';
  readonly retryable: boolean;
  /** Session and generations stand all the same: only slots are moving. */
  readonly isOfSlots: boolean;

  constructor(
    readonly code: CountersErrorCode,
    message: string,
    override readonly cause?: unknown,
  ) {
    super(`${code}: ${message}`);
    this.isOfSlots = code === 'COUNTERS_MOVING' || code === 'COUNTERS_MOVED';
    this.retryable = code !== 'COUNTERS_EVICTING' && code !== 'COUNTERS_TOO_OLD';
  }
}
