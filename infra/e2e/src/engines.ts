import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '@calltally/stack';

/** Lets an engine hang, its connections open, or go on from where it was. */
export function signalEngine(engine: Engine, signal: 'SIGSTOP' | 'SIGCONT'): void {
  if (engine.pid === undefined) throw new Error(`${engine.name} is down, or not started here`);
  process.kill(engine.pid, signal);
}

/** Sends one command to Redis as an operator would, and waits for its answer. */
export function redisCommand(url: string, command: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(`${command}\r\n`));
    socket.once('data', (data) => {
      socket.end();
      resolve(data.toString());
    });
    socket.once('error', reject);
  });
}

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
