export type CountersErrorCode =
  | 'COUNTERS_LOST'
  | 'COUNTERS_CREDENTIALS'
  | 'COUNTERS_TLS'
  | 'COUNTERS_EVICTING'
  | 'COUNTERS_TOO_OLD'
  | 'COUNTERS_GENERATION'
  | 'COUNTERS_CONTENDED'
  | 'COUNTERS_MOVING';

/**
 * Every failure of Redis that leaves this package.
 * - `COUNTERS_LOST`: a master was lost, or its slots have moved. Open another session and start a new epoch.
 * - `COUNTERS_CREDENTIALS`, `COUNTERS_TLS`: no session can be opened, for what the message says; it says no address.
 * - `COUNTERS_GENERATION`: Redis has another generation than the session. The remedy is the same.
 * - `COUNTERS_MOVING`: the user's hash slot is on its way to another master, or the cluster is down. Try again.
 * - `COUNTERS_CONTENDED`: others keep applying the same events. Apply the rest again.
 * - `COUNTERS_EVICTING`: Redis may evict keys, so an absent key could mean anything. Set `maxmemory-policy noeviction`.
 * - `COUNTERS_TOO_OLD`: the server lacks a command that counting needs. Use Redis 7 or newer, or Valkey.
 */
export class CountersError extends Error {
  override readonly name = 'CountersError';
  readonly retryable: boolean;

  constructor(
    readonly code: CountersErrorCode,
    message: string,
    override readonly cause?: unknown,
  ) {
    super(`${code}: ${message}`);
    this.retryable = code !== 'COUNTERS_EVICTING' && code !== 'COUNTERS_TOO_OLD';
  }
}
