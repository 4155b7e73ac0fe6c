import { setTimeout as sleep } from 'node:timers/promises';
import { DevError } from './errors.ts';

const POLL_MS = 100;
const REQUEST_TIMEOUT_MS = 2_000;

/**
 * Resolves when `address` answers `/readyz` with 200.
 * @throws DevError DEV_NOT_READY after `timeoutMs`, and what `signal` was aborted with
 */
export async function waitUntilReady(
  service: { name: string; address: string; logFile: string },
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isReady(service.address))) {
    signal.throwIfAborted();
    if (Date.now() > deadline) {
      const { name, logFile } = service;
      throw new DevError('DEV_NOT_READY', `${name} is not ready after ${timeoutMs / 1000} s; see ${logFile}`);
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

async function isReady(address: string): Promise<boolean> {
  try {
    const response = await fetch(`${address}/readyz`, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
