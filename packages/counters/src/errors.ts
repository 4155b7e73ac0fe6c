export type CountersErrorCode =
  | 'COUNTERS_LOST'
  | 'COUNTERS_EVICTING'
  | 'COUNTERS_TOO_OLD'
  | 'COUNTERS_GENERATION'
  | 'COUNTERS_CONTENDED';

/**
 * Every failure of Redis that leaves this package.
 * - `COUNTERS_LOST`: the session is over; whoever needs the counters opens another and begins anew.
 * - `COUNTERS_GENERATION`: the counters are of another generation than the session's; the same remedy.
 * - `COUNTERS_CONTENDED`: others kept applying the same events; what is left is to be applied again.
 * - `COUNTERS_EVICTING`: Redis may evict keys, so absence would lie; set `maxmemory-policy noeviction`.
 * - `COUNTERS_TOO_OLD`: the server lacks a command that counting needs; use Redis 7 or newer, or Valkey.
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
