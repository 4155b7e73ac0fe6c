import pTimeout from 'p-timeout';

const BEAT_EVERY_MS = 500;

/**
 * Awaits work while sending a heartbeat every half second, so that slow work does not cost the membership.
 * @throws what the work throws, or what a heartbeat throws (the group is rebalancing, or no longer knows us)
 */
export async function withHeartbeats<T>(work: Promise<T>, heartbeat: () => Promise<void>): Promise<T> {
  const failed = new AbortController();
  const timer = setInterval(() => heartbeat().catch((thrown) => failed.abort(thrown)), BEAT_EVERY_MS);
  try {
    return await pTimeout(work, { milliseconds: Infinity, signal: failed.signal });
  } finally {
    clearInterval(timer);
  }
}
