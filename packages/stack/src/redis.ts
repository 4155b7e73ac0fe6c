import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Daemon } from './daemon.ts';
import { type Engine, type EngineOptions, ownEngine } from './engine.ts';
import { obtainTool, REDIS } from './obtain/tools.ts';
import { onFreePorts } from './ports.ts';
import { probe } from './probe.ts';

export interface RedisOptions extends EngineOptions {
  /** Settings as redis-server's command line takes them. They override the defaults here. */
  args?: string[] | undefined;
}

/** Starts a Redis with an append-only file. Rejects with StackError. */
export async function startRedis({ log, restart, args = [], ...given }: RedisOptions): Promise<Engine> {
  const dataDir = resolve(given.dataDir);
  const command = await obtainTool(REDIS, log);
  await mkdir(dataDir, { recursive: true });
  return onFreePorts(dataDir, ['redis'], async ({ redis: port }) => {
    const daemon = new Daemon({
      name: 'redis',
      dataDir,
      log,
      restart,
      command,
      args: [...settings(port), ...args],
      isReady: () => answersPing(port),
    });
    await daemon.start();
    return ownEngine({ name: 'redis', address: `redis://127.0.0.1:${port}`, dataDir }, daemon);
  });
}

function settings(port: number): string[] {
  const values = {
    port,
    bind: '127.0.0.1',
    dir: '.',
    // If Redis evicted keys, a missing counter would look like no calls. Ingest refuses such a Redis.
    'maxmemory-policy': 'noeviction',
    appendonly: 'yes',
    appendfsync: 'everysec',
    save: '',
  };
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, `${value}`]);
}

/** While Redis loads its file, it answers -LOADING and is not ready. */
function answersPing(port: number): Promise<boolean> {
  return probe(port, Buffer.from('PING\r\n'), (reply) => {
    const line = reply.toString();
    return line.endsWith('\r\n') ? /^(\+PONG|-NOAUTH)/.test(line) : undefined;
  });
}
