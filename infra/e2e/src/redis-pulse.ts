import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MS = 10;

/**
 * Asks Redis for nothing, over and over, straight and from outside the services, to know how soon it can answer on a
 * machine as busy as this one.
 */
export function feelRedisPulse(address: string) {
  const { hostname, port } = new URL(address);
  const socket = connect(Number(port), hostname).on('error', () => {});
  const closed = once(socket, 'close').catch(() => []);
  let slowestMs = 0;
  void (async () => {
    while (!socket.destroyed) {
      const askedMs = performance.now();
      socket.write('PING\r\n');
      const answered = await Promise.race([once(socket, 'data').catch(() => []), closed]);
      if (answered.length === 0 || socket.destroyed) return;
      slowestMs = Math.max(slowestMs, performance.now() - askedMs);
      await sleep(PAUSE_MS);
    }
  })();
  return {
    /** @returns how long the slowest answer took; answers that never came are left out */
    stop(): number {
      socket.destroy();
      return slowestMs;
    },
  };
}
