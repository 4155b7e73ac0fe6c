import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '@calltally/stack';

/** Pauses an engine with its connections open, or resumes it. */
export function signalEngine(engine: Engine, signal: 'SIGSTOP' | 'SIGCONT'): void {
  if (engine.pid === undefined) throw new Error(`${engine.name} is down, or not started here`);
  process.kill(engine.pid, signal);
}

/** Sends one command to Redis as operators do, and waits for the answer. */
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

/** Sends PINGs to Redis directly, outside the services, to measure how fast it can answer on a machine this busy. */
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
    /** @returns the time of the slowest answer; PINGs without an answer are left out */
    stop(): number {
      socket.destroy();
      return slowestMs;
    },
  };
}

/** Asks the API for its health, which needs no store, to measure how fast it can answer anything on a machine this busy. */
export function feelApiPulse(url: string) {
  let slowestMs = 0;
  let isStopped = false;
  void (async () => {
    while (!isStopped) {
      const askedMs = performance.now();
      const answer = await fetch(`${url}/healthz`)
        .then((response) => response.arrayBuffer())
        .catch(() => undefined);
      if (answer !== undefined) slowestMs = Math.max(slowestMs, performance.now() - askedMs);
      await sleep(PAUSE_MS);
    }
  })();
  return {
    /** @returns the time of the slowest answer; requests without one are left out */
    stop(): number {
      isStopped = true;
      return slowestMs;
    },
  };
}

/** Works with a client of Kafka, which is connected for this time only. */
export async function whileConnected<C extends { connect(): Promise<void>; disconnect(): Promise<void> }, T>(
  client: C,
  work: (client: C) => Promise<T>,
): Promise<T> {
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.disconnect();
  }
}
