import { setTimeout as sleep } from 'node:timers/promises';
import { DevError } from './options.ts';

const POLL_MS = 100;
const REQUEST_TIMEOUT_MS = 5_000;

/**
 * Resolves when `address` answers `/readyz` with 200.
 * @throws DevError DEV_NOT_READY after `timeoutMs`, or the abort reason of `signal`
 */
export async function waitUntilReady(
  { name, address, logFile }: { name: string; address: string; logFile: string },
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const isReady = async () => (await ask(`${address}/readyz`))?.ok === true;
  if (await waitUntil(isReady, timeoutMs, signal)) return;
  throw new DevError('DEV_NOT_READY', `${name} is not ready after ${timeoutMs / 1000} s; see ${logFile}`);
}

/**
 * Waits until the API reports that everything acknowledged by `sinceMs` (Unix ms) is counted.
 * @returns false if it does not within `timeoutMs`
 */
export function waitUntilCounted(
  api: string,
  apiKey: string,
  sinceMs: number,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const isCounted = async () => {
    const response = await ask(`${api}/analytics/dashboard`, { authorization: `Bearer ${apiKey}` });
    return Date.parse(response?.headers.get('x-tally-as-of') ?? '') >= sinceMs;
  };
  return waitUntil(isCounted, timeoutMs, signal);
}

async function waitUntil(
  look: () => Promise<boolean>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (!(await look())) {
    signal.throwIfAborted();
    if (Date.now() > deadline) return false;
    await sleep(POLL_MS, undefined, { signal });
  }
  return true;
}

/** Undefined if there is no answer. */
async function ask(url: string, headers: Record<string, string> = {}): Promise<Response | undefined> {
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
    await response.body?.cancel();
    return response;
  } catch {
    return undefined;
  }
}
