import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 100;
const REQUEST_TIMEOUT_MS = 5_000;

/**
 * Waits until the API says that everything acknowledged by `sinceMs` (epoch ms) is counted.
 * @returns false when it did not within `timeoutMs`
 */
export async function waitUntilCounted(
  api: string,
  apiKey: string,
  sinceMs: number,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    signal.throwIfAborted();
    if ((await asOf(api, apiKey)) >= sinceMs) return true;
    await sleep(POLL_MS, undefined, { signal });
  }
  return false;
}

async function asOf(api: string, apiKey: string): Promise<number> {
  try {
    const response = await fetch(`${api}/analytics/dashboard`, {
      headers: { authorization: `Bearer ${apiKey}` },
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    await response.body?.cancel();
    return Date.parse(response.headers.get('x-tally-as-of') ?? '');
  } catch {
    return Number.NaN;
  }
}
